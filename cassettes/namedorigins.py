"""The places of files that the instance named, as the table `meta` keeps them: separated by spaces."""

from __future__ import annotations

from collections.abc import Mapping

from peertape.cassettes.origin import Origin

NAMED_ORIGINS = "named_origins"
NAMED_HOSTS = "named_hosts"  # of cassettes that knew host names alone


def origins_in(meta: Mapping[str, str]) -> frozenset[Origin]:
    return frozenset(origin for text in meta.get(NAMED_ORIGINS, "").split() if (origin := Origin.of_url(text)))


def hosts_in(meta: Mapping[str, str]) -> frozenset[str]:
    return frozenset(meta.get(NAMED_HOSTS, "").split())
