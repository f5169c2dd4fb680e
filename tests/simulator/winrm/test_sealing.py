"""The MIME envelope of message encryption, against pypsrp's reading of the same."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.encryption import WinRMEncryption
from spnego import ContextProxy, WinRMWrapResult

from lictui.simulator.winrm_auth import CONTENT_TYPE, seal, unseal


class Mirror:
    """Seals by turning around: what is tested is the frame, not the cipher."""

    def wrap_winrm(self, data: bytes) -> WinRMWrapResult:
        return WinRMWrapResult(header=b"signature", data=data[::-1], padding_length=0)

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        assert header == b"signature"
        return data[::-1]


CONTEXT = cast("ContextProxy", Mirror())
BODIES = st.binary(max_size=300) | st.just(b"--Encrypted Boundary\r\n--Encrypted Boundary--\r\n")


@given(BODIES)
def test_what_is_sealed_is_unsealed(body: bytes) -> None:
    assert unseal(CONTEXT, seal(CONTEXT, body)) == body


@given(st.binary(max_size=300))
def test_pypsrp_seals_the_same(body: bytes) -> None:
    theirs = WinRMEncryption(CONTEXT, WinRMEncryption.SPNEGO)
    kind, message = theirs.wrap_message(body)
    assert message == seal(CONTEXT, body)
    assert CONTENT_TYPE.startswith(kind)


def test_a_blank_after_the_dashes_does_no_harm() -> None:
    assert unseal(CONTEXT, seal(CONTEXT, b"body").replace(b"--Enc", b"-- Enc")) == b"body"


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
def test_a_spoilt_frame_is_refused(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(ValueError, match="encrypted message"):
        unseal(CONTEXT, spoil(seal(CONTEXT, b"body")))
