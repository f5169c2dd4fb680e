"""Secrets by reference: `env:NAME`, `file:PATH`, `command:CMD ARGS`, `keyring:SERVICE/USER`.

A secret is resolved just before it is used and never stored. Errors name the reference only, never
the value nor what a command printed.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictui.config.toml_document import InvalidValue, non_empty_string, resolve_path
from lictui.errors import LictuiError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable

TIMEOUT: Final = 10.0  # seconds for a command, a file or a keyring
_KILL_TIMEOUT: Final = 1.0  # seconds for a killed command to exit
_FORMS: Final = "env:NAME · file:PATH · command:CMD ARGS · keyring:SERVICE/USER"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_CHARACTERS: Final = 64 * 1024


class SecretError(LictuiError):
    """A secret could not be resolved; the message names the reference, never the value."""


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference."""
    return text.partition(":")[0] in _RESOLVERS


def secret_reference(value: object) -> str:
    """Return the reference if it has a valid form; no error message repeats it."""
    if value == "":
        return ""
    if not isinstance(value, str):
        raise InvalidValue("must be a string that references a secret", _FORMS)
    scheme, _, target = value.partition(":")
    if scheme not in _RESOLVERS or not target.strip():
        raise InvalidValue("enter a reference to the secret, not the secret itself", _FORMS)
    non_empty_string(value)
    if scheme == "env" and not _VARIABLE.fullmatch(target):
        raise InvalidValue("env: requires the name of a variable", "example: env:LICTUI_EMEA")
    if scheme == "keyring" and not all(target.rpartition("/")):
        raise InvalidValue("keyring: requires a service and a user", "keyring:SERVICE/USER")
    if scheme == "command":
        try:
            shlex.split(target)
        except ValueError:
            raise InvalidValue("command: contains an unclosed quote") from None
    return value


def with_absolute_file(secret: str, base: Path) -> str:
    """Return the reference with a relative `file:` resolved against the folder `base`."""
    scheme, _, target = secret.partition(":")
    return f"file:{resolve_path(base, target)}" if scheme == "file" else secret


async def resolve_secret(secret: str) -> str:
    """Return the secret that the reference `secret` names now.

    Does not block the event loop. Raises SecretError.
    """
    if not secret:
        raise SecretError("no secret is set", f"set secret to one of {_FORMS}")
    scheme, _, target = secret.partition(":")
    if scheme not in _RESOLVERS:
        raise SecretError("invalid secret reference", f"set secret to one of {_FORMS}")
    try:
        async with asyncio.timeout(TIMEOUT):
            value = await _RESOLVERS[scheme](target)
    except TimeoutError:
        hint = _TIMEOUT_HINTS.get(scheme, "")
        raise SecretError(f"{secret} timed out after {TIMEOUT:g} s", hint) from None
    except SecretError as error:
        raise SecretError(f"{secret} {error.message}", error.hint) from None
    if not value:
        raise SecretError(f"{secret} is empty", "store the password there")
    return value


def secret_warning(secret: str) -> str:
    """Return what is suspicious about a reference, checked without resolving it; else ""."""
    scheme, _, target = secret.partition(":")
    if scheme == "env" and not os.environ.get(target):
        return f"{secret}: environment variable is not set"
    if scheme != "file":
        return ""
    try:
        mode = Path(target).expanduser().stat().st_mode
    except OSError as error:
        return f"{secret}: {error.strerror or error}"
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"{secret}: file permissions too open (chmod 600)"
    return ""


# Each raises SecretError with what follows the reference in the message.


async def _from_environment(variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise SecretError("is not set", f"export {variable}=… before starting lictui") from None


async def _from_file(file: str) -> str:
    def first_line() -> str:
        with Path(file).open(encoding="utf-8-sig") as opened:
            return opened.readline(_MAX_CHARACTERS).rstrip("\r\n")

    try:
        return await asyncio.to_thread(first_line)
    except UnicodeDecodeError:
        raise SecretError("is not valid UTF-8") from None
    except OSError as error:
        raise SecretError(f"cannot be read: {error.strerror or error}") from None


async def _from_command(command: str) -> str:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdin=null, stdout=pipe, stderr=null, start_new_session=True
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not executable"
        raise SecretError(f"cannot be run: {reason}") from None
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            _kill(process)
            # A child that left the command's session may still keep its output open.
            with suppress(TimeoutError):
                async with asyncio.timeout(_KILL_TIMEOUT):
                    await process.wait()
    if process.returncode:
        hint = "run it in a terminal to see why"
        raise SecretError(f"exited with code {process.returncode}", hint)
    try:
        return output.decode().partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise SecretError("did not print UTF-8 text") from None


def _kill(process: Process) -> None:
    """Kill the command and its children, which would keep its output open."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


async def _from_keyring(target: str) -> str:
    try:
        import keyring
    except ImportError:
        from lictui.installation import extra_command  # noqa: PLC0415 - slows every start

        hint = f"run: {extra_command('keyring')}"
        raise SecretError("requires the keyring package", hint) from None
    service, _, user = target.rpartition("/")
    try:
        value = await asyncio.to_thread(keyring.get_password, service, user)
    except Exception as error:  # noqa: BLE001 - every backend has its own exceptions
        raise SecretError(
            f"cannot be read: keyring error {type(error).__name__}",
            "unlock the keyring, or use another secret store",
        ) from None
    if value is None:
        hint = f"keyring set {shlex.quote(service)} {shlex.quote(user)}"
        raise SecretError("is not in the keyring", hint)
    return str(value)


_TIMEOUT_HINTS: Final = {
    "command": "run it in a terminal to check whether it prompts for input",
    "keyring": "the keyring may be waiting to be unlocked",
}
_RESOLVERS: Final[dict[str, Callable[[str], Awaitable[str]]]] = {
    "env": _from_environment,
    "file": _from_file,
    "command": _from_command,
    "keyring": _from_keyring,
}
