"""The file of users that an NTLM acceptor reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lictui.simulator.winrm_auth import WindowsAccount, ntlm_user_file


def test_it_is_there_while_needed_and_gone_after() -> None:
    with ntlm_user_file(WindowsAccount(r"CORP\svc", "secret"), "lic-01"):
        file = Path(os.environ["NTLM_USER_FILE"])
        assert file.read_text() == "CORP:svc:secret\n"
        assert file.parent.stat().st_mode & 0o077 == 0
    assert not file.exists()
    with ntlm_user_file(WindowsAccount("svc", "other"), "lic-02"):
        assert file.read_text() == ":svc:other\n.:svc:other\nlic-02:svc:other\n"
    assert not file.exists()


def test_a_folder_that_was_cleaned_away_comes_back() -> None:
    with ntlm_user_file(WindowsAccount("svc", "secret"), "lic-01"):
        folder = Path(os.environ["NTLM_USER_FILE"]).parent
    folder.rmdir()
    with ntlm_user_file(WindowsAccount("svc", "secret"), "lic-01"):
        assert folder.stat().st_mode & 0o077 == 0


def test_it_is_gone_after_a_failure_too() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        ntlm_user_file(WindowsAccount("svc", "secret"), "lic-01"),
    ):
        raise ZeroDivisionError
    assert not Path(os.environ["NTLM_USER_FILE"]).exists()


@pytest.mark.parametrize(("username", "password"), [("a:b", "c"), ("a", "b:c"), ("a", "b\nx:y:z")])
def test_what_the_file_cannot_hold_is_refused(username: str, password: str) -> None:
    with pytest.raises(ValueError, match="colon or a line break"):
        WindowsAccount(username, password)


def test_the_password_shows_nowhere() -> None:
    assert "secret" not in repr(WindowsAccount("svc", "secret"))
