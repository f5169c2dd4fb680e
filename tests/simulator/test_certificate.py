"""The simulator's certificates."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from lictui.simulator.http import self_signed

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_500_000.0


def test_it_names_the_server_and_loopback() -> None:
    certificate = self_signed("lic-emea-01.corp.example", now=NOW)
    parsed = x509.load_der_x509_certificate(certificate.der)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lic-emea-01.corp.example", "localhost"]
    assert "127.0.0.1" in map(str, names.get_values_for_type(x509.IPAddress))
    assert parsed.not_valid_before_utc.timestamp() < NOW < parsed.not_valid_after_utc.timestamp()


def test_its_fingerprint_is_that_of_the_leaf() -> None:
    certificate = self_signed("lic", now=NOW)
    assert certificate.fingerprint == hashlib.sha256(certificate.der).hexdigest()
    assert ssl.PEM_cert_to_DER_cert(certificate.pem.decode().split("-----BEGIN P")[0]) == (
        certificate.der
    )


@pytest.mark.parametrize("name", ["", "x" * 300, "Lizenz-Müller", "[/x]\x1b\u202e\n", "a..b", "-"])
def test_any_name_will_do(name: str) -> None:
    self_signed(name, now=NOW).server_context()


def test_no_key_stays_on_the_disk_or_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate = self_signed("lic", now=NOW)
    certificate.server_context()
    assert list(tmp_path.iterdir()) == []
    assert "PRIVATE" not in repr(certificate)
