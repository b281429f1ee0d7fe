"""`peertape ca`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import click
from pydantic import BaseModel, ConfigDict, TypeAdapter

from peertape.addons.authority import Authority, AuthorityError, authority
from peertape.config import settings as config
from peertape.config.settings import Settings
from peertape.config.yamltext import plain
from peertape.proxy.cli import options
from peertape.proxy.cli.trouble import Trouble, explained

ALL = "all"
FORWARD_PORT = 8991  # what the documentation takes, where the settings name none
CAUTION = """\
Whoever has the key can pose as any server to clients that trust the certificate. Keep it to yourself, and let only
machines, devices and builds for tests trust it."""
PLACE = re.compile(r"\{(\w+)(!r)?\}")

FORMATS: Mapping[str, Callable[[Authority], bytes]] = {
    ".pem": Authority.pem,
    ".crt": Authority.pem,
    ".cer": Authority.der,
    ".der": Authority.der,
    ".p12": Authority.pkcs12,
    ".pfx": Authority.pkcs12,
}


class Advice(BaseModel):
    """How one kind of client trusts the certificate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    text: str


@click.command(name="ca")
@click.argument("sections", nargs=-1, metavar="[SECTION]...")
@click.option("--path", is_flag=True, help="Print only the certificate's path, for scripts.")
@click.option(
    "--export",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the certificate, never the key, to FILE: PEM for .pem and .crt, DER for .cer and .der, for .p12 and "
    ".pfx a PKCS12 trust store with the password `changeit`.",
)
@options.confdir
@explained
def command(sections: tuple[str, ...], path: bool, export: Path | None, confdir: str | None) -> None:
    """Tell where the certificate is by which clients trust peertape over https, and how they do.

    Peertape signs with mitmproxy's certificate authority, which lies in ~/.mitmproxy and is made when there is none.
    Without SECTION: the certificate, and the list of sections; `all` shows every one.

    \b
      peertape ca
      peertape ca android
      curl --cacert "$(peertape ca --path)" https://127.0.0.1:8990/api/v1/config
      peertape ca --export app/src/debug/res/raw/peertape.pem
    """
    settings = config.load({"confdir": confdir})
    chosen = _chosen(sections)
    try:
        known = authority(settings.confdir)
    except AuthorityError as error:
        raise Trouble(str(error)) from error
    _warn(known)
    if export is not None:
        _export(known, export)
    if path:
        click.echo(known.path)
    elif chosen:
        click.echo("\n\n".join(_told(advice, known, settings) for advice in chosen))
    elif export is None:
        click.echo(_overview(known))


@cache
def advices() -> tuple[Advice, ...]:
    """What is known about clients, from `trust.yaml`."""
    text = files("peertape.proxy.cli").joinpath("trust.yaml").read_text("utf-8")
    return TypeAdapter(tuple[Advice, ...]).validate_python(plain(text))


def _chosen(sections: tuple[str, ...]) -> list[Advice]:
    known = {advice.name: advice for advice in advices()}
    wanted = [name for section in sections for name in (known if section.lower() == ALL else [section.lower()])]
    for name in wanted:
        if name not in known:
            raise Trouble(f"There is no section {name!r}; there are: {', '.join([*known, ALL])}.")
    return [known[name] for name in dict.fromkeys(wanted)]


def _warn(known: Authority) -> None:
    if known.made:
        click.echo(f"A certificate authority was made in {known.folder}.", err=True)
    if known.expired:
        click.echo(
            f"Warning: the certificate has expired. Move the mitmproxy-ca files in {known.folder} away; a new "
            "authority is made then, which clients have to trust anew.",
            err=True,
        )
    if known.key_is_open:
        click.echo(
            f"Warning: other users of this machine can read the key and pose as any server to whoever trusts it: "
            f"chmod 600 {shlex.quote(str(known.key_path))}",
            err=True,
        )


def _export(known: Authority, file: Path) -> None:
    make = FORMATS.get(file.suffix.lower())
    if make is None:
        raise Trouble(f"The ending of {file.name} tells no format; there are {', '.join(FORMATS)}.")
    if file.absolute().parent.resolve() == known.folder.resolve():
        raise Trouble(f"{known.folder} is mitmproxy's own folder; name a file elsewhere.")
    try:
        file.write_bytes(make(known))
    except OSError as error:
        raise Trouble(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(f"The certificate is in {file}.", err=True)


def _overview(known: Authority) -> str:
    certificate = known.certificate
    width = max(len(advice.name) for advice in advices())
    return "\n".join(
        [
            f"certificate  {known.path}",
            f"SHA-256      {known.fingerprint}",
            f"valid        {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}",
            f"key          {known.key_path}",
            "",
            CAUTION,
            "",
            "How to trust it, by `peertape ca SECTION`:",
            "",
            *(f"  {advice.name:<{width}}  {advice.title}" for advice in advices()),
        ]
    )


def _told(advice: Advice, known: Authority, settings: Settings) -> str:
    values = {
        "pem": str(known.path),
        "fingerprint": known.fingerprint,
        "spki": known.public_key_hash,
        "android": known.android_name,
        "port": str(config.address(settings.listen)[1] or 8990),
        "forward": str(config.address(settings.forward)[1] or FORWARD_PORT if settings.forward else FORWARD_PORT),
    }

    def put(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        return repr(values[found[1]]) if found[2] else shlex.quote(values[found[1]])

    lines = PLACE.sub(put, advice.text).rstrip().splitlines()
    return "\n".join([advice.title, "", *(f"  {line}".rstrip() for line in lines)])
