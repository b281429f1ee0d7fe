"""Which addresses are proxies that are believed."""

from __future__ import annotations

import pytest

from peertape.config.settings import SettingsError, load
from peertape.config.trust import networks, trusts


@pytest.mark.parametrize(
    ("names", "address", "trusted"),
    [
        (["loopback"], "127.0.0.1", True),
        (["loopback"], "127.1.2.3", True),
        (["loopback"], "::1", True),
        (["loopback"], "::ffff:127.0.0.1", True),
        (["loopback"], "10.0.0.1", False),
        (["linklocal"], "fe80::1%eth0", True),
        (["uniquelocal"], "172.31.0.1", True),
        (["uniquelocal"], "172.32.0.1", False),
        (["10.0.0.7"], "10.0.0.7", True),
        (["10.0.0.7/8"], "10.9.9.9", True),
        (["10.0.0.0/255.0.0.0"], "10.9.9.9", True),
        (["loopback", "2001:db8::/32"], "2001:db8::5", True),
        (["loopback"], "nonsense", False),
        (["loopback"], "", False),
        ([], "127.0.0.1", False),
    ],
)
def test_trusts(names: list[str], address: str, trusted: bool) -> None:
    assert trusts(networks(names), address) is trusted


def test_a_sentence_for_what_is_no_proxy() -> None:
    with pytest.raises(SettingsError, match="trust-proxy: 'everybody' is no proxy to trust"):
        load({"trust_proxy": "loopback,everybody"})
