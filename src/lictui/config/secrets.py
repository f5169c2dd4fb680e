"""Secrets by reference: `env:NAME`, `file:PATH`, `command:CMD ARGS`, `keyring:SERVICE/USER`.

Owns the four ways and the moment of looking one up. Must not keep a secret, nor let one into an
error, a log or a repr: errors name the reference alone, and never what a command printed.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.config.toml_document import InvalidValue, non_empty_string, resolve_path
from lictui.errors import LictuiError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable

_T = TypeVar("_T")

TIMEOUT: Final = 10.0  # seconds that a command or a keyring may take
_GRACE: Final = 1.0  # seconds for a command that was killed to be gone
_WAYS: Final = "env:NAME · file:PATH · command:CMD ARGS · keyring:SERVICE/USER"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST: Final = 64 * 1024  # characters of a secret's file


class SecretError(LictuiError):
    """A secret that could not be looked up; names the reference, never the value."""


def secret_reference(value: object) -> str:
    """A value kind: text that refers to a secret. What is wrong is said without repeating it."""
    if value == "":
        return ""
    if not isinstance(value, str):
        raise InvalidValue("must be text that says where the secret is", _WAYS)
    way, _, rest = value.partition(":")
    if way not in _RESOLVERS or not rest.strip():
        raise InvalidValue("must say where the secret is, and not hold the secret itself", _WAYS)
    non_empty_string(value)
    if way == "env" and not _VARIABLE.fullmatch(rest):
        raise InvalidValue("must name an environment variable after env:", "env:LICTUI_EMEA, say")
    if way == "keyring" and not all(rest.rpartition("/")):
        raise InvalidValue("must name a service and a user after keyring:", "keyring:SERVICE/USER")
    if way == "command":
        try:
            shlex.split(rest)
        except ValueError:
            raise InvalidValue("has a quote that is not closed after command:") from None
    return value


def with_absolute_file(secret: str, base: Path) -> str:
    """The reference with a relative `file:` taken from the folder `base`; others as they are."""
    way, _, rest = secret.partition(":")
    return f"file:{resolve_path(base, rest)}" if way == "file" else secret


async def resolve_secret(secret: str, base: Path | None = None, seconds: float = TIMEOUT) -> str:
    """The secret that the reference `secret` names, looked up now.

    A relative `file:` is taken from `base`. Blocks no other task. Raises SecretError.
    """
    if not secret:
        raise SecretError("no secret is set", f"set secret to one of {_WAYS}")
    way, _, rest = secret.partition(":")
    if way not in _RESOLVERS:
        raise SecretError("the secret is no reference", f"set it to one of {_WAYS}")
    if way == "file":
        rest = str(resolve_path(base or Path(), rest))
    found = await _RESOLVERS[way](secret, rest, seconds)
    if not found:
        raise SecretError(f"{secret} is empty", "store the password there")
    return found


def secret_warning(secret: str, base: Path | None = None) -> str:
    """What may be wrong with a reference, as far as can be told without using it; "" if nothing."""
    way, _, rest = secret.partition(":")
    if way == "env" and not os.environ.get(rest):
        return f"{secret}: the variable is not set here"
    if way != "file":
        return ""
    try:
        mode = resolve_path(base or Path(), rest).stat().st_mode
    except OSError as error:
        return f"{secret}: {error.strerror or error}"
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"{secret}: others than you may read it: chmod 600"
    return ""


async def _from_environment(secret: str, variable: str, _seconds: float) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        hint = f"export {variable}=… before lictui starts"
        raise SecretError(f"{secret} is not set", hint) from None


async def _from_file(secret: str, file: str, seconds: float) -> str:
    def first_line() -> str:
        with Path(file).open(encoding="utf-8-sig") as opened:
            return opened.readline(_MOST).rstrip("\r\n")

    try:
        return await _in_thread(first_line, seconds)
    except TimeoutError:
        raise SecretError(f"{secret} could not be read in {seconds:g} s") from None
    except UnicodeDecodeError:
        raise SecretError(f"{secret} is not UTF-8 text") from None
    except OSError as error:
        raise SecretError(f"{secret} cannot be read: {error.strerror or error}") from None


async def _from_command(secret: str, command: str, seconds: float) -> str:
    import asyncio  # noqa: PLC0415 - start-up checks references, and runs none

    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdin=null, stdout=pipe, stderr=null, start_new_session=True
        )
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it is no command"
        raise SecretError(f"{secret} cannot be run: {said}") from None
    try:
        async with asyncio.timeout(seconds):
            printed, _ = await process.communicate()
    except TimeoutError:
        raise SecretError(
            f"{secret} gave no answer in {seconds:g} s", "run it in a terminal: does it ask?"
        ) from None
    finally:
        if process.returncode is None:
            _kill(process)
            # What left the command's session may still hold its output open.
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await process.wait()
    if process.returncode:
        raise SecretError(
            f"{secret} ended with code {process.returncode}", "run it in a terminal to see why"
        )
    try:
        return printed.decode().partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{secret} did not print UTF-8 text") from None


def _kill(process: Process) -> None:
    """End the command and what it started, which would keep its output open."""
    import signal  # noqa: PLC0415 - only where a command hangs

    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


async def _from_keyring(secret: str, rest: str, seconds: float) -> str:
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise SecretError(
            f"{secret} needs the keyring package", "pip install 'lictui[keyring]'"
        ) from None
    service, _, user = rest.rpartition("/")
    try:
        found = await _in_thread(lambda: keyring.get_password(service, user), seconds)
    except TimeoutError:
        raise SecretError(
            f"{secret} gave no answer in {seconds:g} s", "the keyring may be waiting to be unlocked"
        ) from None
    except Exception as error:  # noqa: BLE001 - every backend has exceptions of its own
        raise SecretError(
            f"{secret} cannot be read: the keyring failed ({type(error).__name__})",
            "unlock it, or name another place",
        ) from None
    if found is None:
        hint = f"keyring set {shlex.quote(service)} {shlex.quote(user)}"
        raise SecretError(f"{secret} is not in the keyring", hint)
    return str(found)


async def _in_thread(look: Callable[[], _T], seconds: float) -> _T:
    import asyncio  # noqa: PLC0415 - start-up checks references, and looks none up

    async with asyncio.timeout(seconds):
        return await asyncio.to_thread(look)


_RESOLVERS: Final[dict[str, Callable[[str, str, float], Awaitable[str]]]] = {
    "env": _from_environment,
    "file": _from_file,
    "command": _from_command,
    "keyring": _from_keyring,
}
