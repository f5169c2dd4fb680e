"""Authentication of the simulated WinRM server without a socket: tokens, user file, encryption."""

import os
from contextlib import suppress
from pathlib import Path
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from pypsrp.encryption import WinRMEncryption
from spnego import ContextProxy, WinRMWrapResult

from lictui.simulator.winrm_auth import (
    CONTENT_TYPE,
    WindowsAccount,
    ntlm_user_file,
    seal,
)

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


# Message encryption, against pypsrp


class Mirror:
    """Seals by turning around: what is tested is the frame, not the cipher."""

    def wrap_winrm(self, data: bytes) -> WinRMWrapResult:
        return WinRMWrapResult(header=b"signature", data=data[::-1], padding_length=0)


CONTEXT = cast("ContextProxy", Mirror())


@given(st.binary(max_size=300))
def test_seal_writes_what_pypsrp_writes(body: bytes) -> None:
    theirs = WinRMEncryption(CONTEXT, WinRMEncryption.SPNEGO)
    kind, message = theirs.wrap_message(body)
    assert message == seal(CONTEXT, body)
    assert CONTENT_TYPE.startswith(kind)
