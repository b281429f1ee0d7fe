"""The certificate authority: made once, whole, and never written over."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from mitmproxy.certs import CertStore

from peertape.addons.authority import PASSWORD, AuthorityError, authority

MAKE = "import sys; from peertape.addons.authority import authority; print(authority(sys.argv[1]).fingerprint)"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_is_made_as_mitmproxy_wants_it(tmp_path: Path) -> None:
    made = authority(tmp_path / "new")
    assert made.made
    assert stat.S_IMODE(made.key_path.stat().st_mode) == 0o600
    assert not made.key_is_open
    before = contents(made.folder)
    store = CertStore.from_store(made.folder, "mitmproxy", 2048)
    assert store.default_ca.to_cryptography() == made.certificate
    again = authority(made.folder)
    assert not again.made
    assert again.fingerprint == made.fingerprint
    assert contents(made.folder) == before


def test_one_that_mitmproxy_made_is_taken_as_it_is(tmp_path: Path) -> None:
    CertStore.create_store(tmp_path, "mitmproxy", 2048)
    before = contents(tmp_path)
    found = authority(tmp_path)
    assert not found.made
    assert {name: octets for name, octets in contents(tmp_path).items() if name in before} == before
    assert found.path.read_bytes() == found.pem()


def test_runs_that_begin_together_have_one_authority(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    told = [run.communicate(timeout=120) for run in runs]
    assert {error for _, error in told} == {""}
    (fingerprint,) = {said.strip() for said, _ in told}
    raw = (folder / "mitmproxy-ca.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate((folder / "mitmproxy-ca-cert.pem").read_bytes())
    assert authority(folder).fingerprint == fingerprint
    assert load_pem_private_key(raw, None).public_key() == certificate.public_key()
    assert sorted(path.name for path in folder.iterdir()) == [
        "mitmproxy-ca-cert.cer",
        "mitmproxy-ca-cert.p12",
        "mitmproxy-ca-cert.pem",
        "mitmproxy-ca.pem",
        "mitmproxy-dhparam.pem",
    ]


def test_public_files_that_are_missing_come_back(tmp_path: Path) -> None:
    first = authority(tmp_path)
    first.path.unlink()
    assert authority(tmp_path).path.read_bytes() == first.pem()


def test_a_certificate_without_its_key_is_kept(tmp_path: Path) -> None:
    made = authority(tmp_path)
    made.key_path.unlink()
    before = contents(tmp_path)
    with pytest.raises(AuthorityError, match=r"not mitmproxy-ca\.pem, the key"):
        authority(tmp_path)
    assert contents(tmp_path) == before


def test_a_broken_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_text("not a certificate")
    with pytest.raises(AuthorityError, match="holds no certificate"):
        authority(tmp_path)
    assert contents(tmp_path) == {"mitmproxy-ca.pem": b"not a certificate"}


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorityError, match="--confdir"):
        authority(tmp_path / "file" / "below")


def test_a_key_that_others_may_read_is_noticed(tmp_path: Path) -> None:
    made = authority(tmp_path)
    made.key_path.chmod(0o644)
    assert authority(tmp_path).key_is_open


def test_the_trust_store_holds_the_certificate_and_no_key(tmp_path: Path) -> None:
    made = authority(tmp_path)
    store = pkcs12.load_pkcs12(made.pkcs12(), PASSWORD.encode())
    assert store.key is None
    assert [entry.certificate for entry in store.additional_certs] == [made.certificate]


def test_openssl_agrees_about_the_names(tmp_path: Path) -> None:
    """The hash by which Android finds it, and the pin."""
    made = authority(tmp_path)

    def openssl(command: str) -> str:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, cwd=tmp_path)
        return done.stdout.strip()

    pem = made.path.name
    assert openssl(f"openssl x509 -noout -subject_hash_old -in {pem}") + ".0" == made.android_name
    assert made.fingerprint in openssl(f"openssl x509 -noout -fingerprint -sha256 -in {pem}")
    der = f"openssl x509 -noout -pubkey -in {pem} | openssl pkey -pubin -outform der"
    assert openssl(f"{der} | openssl dgst -sha256 -binary | base64") == made.public_key_hash
