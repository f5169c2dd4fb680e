"""Authentication of the simulated WinRM server without a socket: tokens, user file, encryption."""

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.encryption import WinRMEncryption
from spnego import ContextProxy, WinRMWrapResult

from lictui.simulator.winrm_auth import (
    CONTENT_TYPE,
    LoginAcceptor,
    RefusedLoginError,
    WindowsAccount,
    WindowsLogin,
    ntlm_user_file,
    seal,
    unseal,
)


def knock(acceptor: LoginAcceptor, login: WindowsLogin, token: bytes) -> RefusedLoginError | None:
    try:
        acceptor.negotiate(b64encode(token).decode(), login, deny=False)
    except RefusedLoginError as refused:
        return refused
    return None


@given(
    protocol=st.sampled_from(["ntlm", "negotiate"]),
    last=st.booleans(),
    end=st.integers(0, 2000),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
)
def test_login_survives_any_token(
    protocol: str,
    last: bool,  # noqa: FBT001 - hypothesis passes it by name
    end: int,
    changes: list[tuple[int, int]],
) -> None:
    acceptor = LoginAcceptor(WindowsAccount("svc", "secret"), "lic-01", frozenset({"negotiate"}))
    login = WindowsLogin()
    client = spnego.client("svc", "secret", protocol=protocol)
    token = client.step() or b""
    if last:
        challenge = knock(acceptor, login, token)
        assert challenge
        ((_, offer),) = challenge.headers
        token = client.step(b64decode(offer.removeprefix("Negotiate "))) or b""
    spoilt = bytearray(token[:end])
    for at, byte in changes:
        spoilt[at : at + 1] = bytes([byte])
    refused = knock(acceptor, login, bytes(spoilt))
    # A bit that means nothing may be changed; a token that was cut off means nothing at all.
    if end < len(token) // 2:
        assert refused


# User file


def test_user_file_exists_only_while_needed() -> None:
    with ntlm_user_file(WindowsAccount(r"CORP\svc", "secret"), "lic-01"):
        file = Path(os.environ["NTLM_USER_FILE"])
        assert file.read_text() == "CORP:svc:secret\n"
        assert file.parent.stat().st_mode & 0o077 == 0
    assert not file.exists()
    with suppress(ZeroDivisionError), ntlm_user_file(WindowsAccount("svc", "other"), "lic-02"):
        assert file.read_text() == ":svc:other\n.:svc:other\nlic-02:svc:other\n"
        raise ZeroDivisionError
    assert not file.exists()


@pytest.mark.parametrize(("username", "password"), [("a:b", "c"), ("a", "b:c"), ("a", "b\nx:y:z")])
def test_account_rejects_what_the_user_file_cannot_hold(username: str, password: str) -> None:
    with pytest.raises(ValueError, match="colon or a line break"):
        WindowsAccount(username, password)


# Message encryption, against pypsrp


class Mirror:
    """Seals by turning around: what is tested is the frame, not the cipher."""

    def wrap_winrm(self, data: bytes) -> WinRMWrapResult:
        return WinRMWrapResult(header=b"signature", data=data[::-1], padding_length=0)

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        assert header == b"signature"
        return data[::-1]


CONTEXT = cast("ContextProxy", Mirror())
BODIES = st.binary(max_size=300) | st.just(b"--Encrypted Boundary\r\n--Encrypted Boundary--\r\n")


@given(st.binary(max_size=300))
def test_seal_writes_what_pypsrp_writes(body: bytes) -> None:
    theirs = WinRMEncryption(CONTEXT, WinRMEncryption.SPNEGO)
    kind, message = theirs.wrap_message(body)
    assert message == seal(CONTEXT, body)
    assert CONTENT_TYPE.startswith(kind)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[1:],
        lambda sealed: sealed[:-4],
        lambda sealed: sealed.replace(b"Length=4", b"Length=5"),
        lambda sealed: sealed.replace(b"SPNEGO", b"CredSSP"),
        lambda sealed: sealed.replace(b"\x09\0\0\0signatureydob", b"\x09"),
        lambda sealed: sealed.replace(b"octet-stream", b"soap+xml"),
    ],
)
def test_unseal_rejects_a_damaged_frame(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(ValueError, match="encrypted message"):
        unseal(CONTEXT, spoil(seal(CONTEXT, b"body")))
