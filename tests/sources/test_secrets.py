import os
import select
import sys
import threading
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from lictui.config.secrets import child_environment, secret_reference, secret_warning
from lictui.engine.thread import run
from lictui.installation import extra_command
from lictui.sources.secrets import SecretError, resolve_secret


async def error(reference: str, seconds: float = 10.0) -> SecretError:
    with pytest.raises(SecretError) as caught:
        await resolve_secret(reference, seconds)
    assert caught.value.__cause__ is None
    return caught.value


def python(program: str) -> str:
    return f"command:{sys.executable} -c '{program}'"


async def test_secret_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIC_PW", "hunter2 ")
    assert await resolve_secret("env:LIC_PW") == "hunter2 "
    monkeypatch.setenv("LIC_PW", "")
    assert (await error("env:LIC_PW")).message == "env:LIC_PW is empty"
    monkeypatch.delenv("LIC_PW")
    missing = await error("env:LIC_PW")
    assert missing.message == "env:LIC_PW is not set"
    assert "export LIC_PW=" in missing.hint


async def test_secret_from_first_line_of_file(tmp_path: Path) -> None:
    (tmp_path / "pw").write_bytes(b"hunter2 \r\nmore\n")
    assert await resolve_secret(f"file:{tmp_path}/pw") == "hunter2 "
    (tmp_path / "pw").write_bytes(b"\xff\xfe")
    assert "is not valid UTF-8" in (await error(f"file:{tmp_path}/pw")).message
    assert "No such file" in (await error(f"file:{tmp_path}/none")).message


async def test_secret_from_command_without_shell() -> None:
    assert await resolve_secret(python('print("a b"); print("more")')) == "a b"
    assert await resolve_secret("command:echo $HOME ; x") == "$HOME ; x"


async def test_failed_command_is_named_without_its_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = await error(python('import sys; print("hunter" "2"); sys.exit("hunter" "3")'))
    assert "exited with code 1" in failed.message
    assert "hunter2" not in str(failed) + failed.hint
    assert "hunter3" not in str(failed) + failed.hint
    assert capfd.readouterr() == ("", "")
    missing = await error(f"command:{tmp_path}/none")
    assert "cannot be run: No such file" in missing.message
    assert "is empty" in (await error(python("pass"))).message


@pytest.mark.skipif(os.name != "posix", reason="a pipe in a folder")
async def test_hanging_command_is_killed_with_its_children(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        hangs = await error(f"command:sh -c 'sleep 20 >{pipe} & sleep 20; wait'", 0.5)
        assert "timed out after 0.5 s" in hangs.message
        # End of file: no process has the other end open any more.
        assert select.select([reading], [], [], 3) == ([reading], [], [])
        assert os.read(reading, 1) == b""
    finally:
        os.close(reading)


@pytest.mark.skipif(os.name != "posix", reason="a pipe in a folder")
def test_file_that_never_answers_blocks_neither_other_secrets_nor_the_exit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dead")
    (tmp_path / "pw").write_text("hunter2")

    async def resolve() -> None:
        for _ in range(40):  # more than the default threads of asyncio
            assert "timed out" in (await error(f"file:{tmp_path}/dead", 0.001)).message
        names = [thread.name for thread in threading.enumerate()]
        assert len([name for name in names if f"{tmp_path}/dead" in name]) == 1
        assert await resolve_secret(f"file:{tmp_path}/pw") == "hunter2"

    run(resolve())
    (tmp_path / "dead").write_text("")  # lets the thread end


async def test_command_that_prints_without_end_is_killed() -> None:
    assert "printed more than 65,536 bytes" in (await error("command:cat /dev/zero")).message


async def test_secret_that_is_not_utf8_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIC_PW", "hunter\udcff")
    assert (await error("env:LIC_PW")).message == "env:LIC_PW is not valid UTF-8"
    assert "is not valid UTF-8" in (await error(r"command:printf \\377")).message


async def test_programs_do_not_inherit_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIC_PW_1", "LIC_PW_2", "OTHER"):
        monkeypatch.setenv(name, "hunter2")
    secret_reference("env:LIC_PW_1")  # as the files of the user are read
    await resolve_secret("env:LIC_PW_2")
    assert {"LIC_PW_1", "LIC_PW_2", "OTHER"} & child_environment().keys() == {"OTHER"}
    printed = await resolve_secret(python('import os; print(os.environ.get("LIC_PW_1", "unset"))'))
    assert printed == "unset"


class Keys(KeyringBackend):
    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        if service == "locked":
            raise KeyringLocked("hunter2")
        return {("my/lic", "svc"): "from the keyring"}.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


async def test_secret_from_keyring() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(Keys())  # type: ignore[no-untyped-call]
    try:
        assert await resolve_secret("keyring:my/lic/svc") == "from the keyring"
        assert (await error("keyring:lic/joe")).hint == "keyring set lic joe"
        locked = await error("keyring:locked/joe")
        assert "KeyringLocked" in locked.message
        assert "hunter2" not in locked.message
    finally:
        keyring.set_keyring(before)


async def test_missing_keyring_package_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert (await error("keyring:a/b")).hint == f"run: {extra_command('keyring')}"


async def test_invalid_reference_is_not_repeated() -> None:
    assert "no secret is set" in (await error("")).message
    assert "hunter2" not in str(await error("hunter2"))


def test_secret_warning_does_not_resolve_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIC_PW", "x")
    assert secret_warning("env:LIC_PW") == ""
    assert "variable is not set" in secret_warning("env:NONE_SUCH")
    file = tmp_path / "pw"
    assert "No such file" in secret_warning(f"file:{file}")
    file.touch(mode=0o600)
    assert secret_warning(f"file:{file}") == ""
    file.chmod(0o640)
    assert "chmod 600" in secret_warning(f"file:{file}")
    assert secret_warning("command:x") == ""
