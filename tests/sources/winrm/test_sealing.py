from __future__ import annotations

import contextlib

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.winrm.ntlm_server import PASSWORD

from lictui.sources.winrm.auth import NotSealedError, is_sealed, seal, sealed_content_type, unseal

SOAP = "<s:Envelope>größer</s:Envelope>".encode()


class Mirror:
    """Seals by turning bytes around, so that every byte of the form can be read."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        return b"HEADER", data[::-1], 3

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        assert header == b"HEADER"
        return data[::-1]


def test_the_form_byte_for_byte() -> None:
    assert seal(b"abc", Mirror(), "SPNEGO") == (
        b"--Encrypted Boundary\r\n"
        b"\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=6\r\n"
        b"--Encrypted Boundary\r\n"
        b"\tContent-Type: application/octet-stream\r\n"
        b"\x06\x00\x00\x00HEADERcba--Encrypted Boundary--\r\n"
    )
    assert sealed_content_type("Kerberos") == (
        'multipart/encrypted;protocol="application/HTTP-Kerberos-session-encrypted"'
        ';boundary="Encrypted Boundary"'
    )


def test_boundaries_with_and_without_a_blank() -> None:
    sealed = seal(SOAP, Mirror(), "SPNEGO")
    assert unseal(sealed, Mirror()) == SOAP
    assert unseal(sealed.replace(b"--Enc", b"-- Enc"), Mirror()) == SOAP
    assert (
        unseal(sealed.replace(b"--Encrypted Boundary--\r\n", b"--Encrypted Boundary--"), Mirror())
        == SOAP
    )


def test_data_that_looks_like_a_boundary_is_data() -> None:
    soap = b"x--Encrypted Boundary--\r\ny"[::-1]
    assert unseal(seal(soap, Mirror(), "SPNEGO"), Mirror()) == soap


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00"])
def test_a_length_that_lies_is_refused(length: bytes) -> None:
    sealed = seal(SOAP, Mirror(), "SPNEGO").replace(b"\x06\x00\x00\x00", length)
    with pytest.raises(NotSealedError, match="truncated"):
        unseal(sealed, Mirror())


@pytest.mark.parametrize("body", [b"", b"<s:Envelope/>", b"--Encrypted Boundary\r\n"])
def test_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(NotSealedError, match="not an encrypted message"):
        unseal(body, Mirror())


@given(st.binary(max_size=200), st.integers(0))
def test_a_damaged_form_is_refused_or_opened(junk: bytes, place: int) -> None:
    sealed = seal(SOAP, Mirror(), "SPNEGO")
    place %= len(sealed)
    with contextlib.suppress(NotSealedError, AssertionError):
        unseal(sealed[:place] + junk + sealed[place + len(junk) :], Mirror())


def test_only_a_sealed_type_is_one() -> None:
    assert is_sealed(sealed_content_type("SPNEGO"))
    assert not is_sealed("application/soap+xml")


@pytest.mark.usefixtures("ntlm_users")
def test_two_ends_of_one_ntlm_login_understand_each_other() -> None:
    client = spnego.client(r"CORP\svc", PASSWORD, protocol="ntlm")
    acceptor = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    acceptor.step(client.step(acceptor.step(client.step())))
    for soap in (SOAP, b"", SOAP * 3_000):
        assert unseal(seal(soap, client, "SPNEGO"), acceptor) == soap
        assert unseal(seal(soap, acceptor, "SPNEGO"), client) == soap
    forged = bytearray(seal(SOAP, client, "SPNEGO"))
    forged[-40] ^= 1
    with pytest.raises(spnego.exceptions.BadMICError):
        unseal(bytes(forged), acceptor)
