import os
import select
import sys
import threading
from collections.abc import Iterator
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


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Variables, files in this folder, and a keyring, with secrets and without."""
    monkeypatch.setenv("LIC_PW", "hunter2 ")
    monkeypatch.setenv("LIC_EMPTY", "")
    monkeypatch.setenv("LIC_BYTES", "hunter\udcff")
    (tmp_path / "pw").write_bytes(b"hunter2 \r\nmore\n")
    (tmp_path / "bytes").write_bytes(b"hunter\xff\xfe")
    before = keyring.get_keyring()
    keyring.set_keyring(Keys())  # type: ignore[no-untyped-call]
    yield tmp_path
    keyring.set_keyring(before)


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


@pytest.mark.parametrize(
    ("reference", "secret"),
    [
        ("env:LIC_PW", "hunter2 "),
        ("file:{}/pw", "hunter2 "),
        (python('print("a b"); print("more")'), "a b"),
        ("command:echo $HOME ; x", "$HOME ; x"),  # without a shell
        ("keyring:my/lic/svc", "from the keyring"),
    ],
    ids=range(5),
)
async def test_secret_is_what_its_reference_names(
    places: Path, reference: str, secret: str
) -> None:
    assert await resolve_secret(reference.format(places)) == secret


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("", "no secret is set", "env:NAME"),
        ("hunter2", "invalid secret reference", "env:NAME"),
        ("env:LIC_EMPTY", "env:LIC_EMPTY is empty", "store the password"),
        ("env:LIC_NONE", "env:LIC_NONE is not set", "export LIC_NONE="),
        ("env:LIC_BYTES", "env:LIC_BYTES is not valid UTF-8", ""),
        ("file:{}/bytes", "is not valid UTF-8", ""),
        ("file:{}/none", "No such file", ""),
        (
            python('import sys; print("hunt" "er2"); sys.exit("hunt" "er3")'),
            "exited with code 1",
            "run",
        ),
        ("command:{}/none", "cannot be run: No such file", ""),
        (python("pass"), "is empty", ""),
        (r"command:printf \\377", "is not valid UTF-8", ""),
        ("command:cat /dev/zero", "printed more than 65,536 bytes", ""),
        ("keyring:lic/joe", "is not in the keyring", "keyring set lic joe"),
        ("keyring:locked/joe", "keyring error KeyringLocked", "unlock"),
    ],
    ids=range(14),
)
async def test_secret_that_is_not_found_names_its_reference_and_shows_nothing(
    places: Path, reference: str, message: str, hint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    failure = await error(reference.format(places))
    assert message in failure.message
    assert hint in failure.hint
    assert "hunter" not in failure.message + failure.hint
    assert capfd.readouterr() == ("", "")


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


async def test_programs_do_not_inherit_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIC_PW_1", "LIC_PW_2", "OTHER"):
        monkeypatch.setenv(name, "hunter2")
    secret_reference("env:LIC_PW_1")  # as the files of the user are read
    await resolve_secret("env:LIC_PW_2")
    assert {"LIC_PW_1", "LIC_PW_2", "OTHER"} & child_environment().keys() == {"OTHER"}
    printed = await resolve_secret(python('import os; print(os.environ.get("LIC_PW_1", "unset"))'))
    assert printed == "unset"


async def test_missing_keyring_package_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert (await error("keyring:a/b")).hint == f"run: {extra_command('keyring')}"


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
