"""Secrets: resolved just before they are used, and never stored.

Errors name the reference only, never the value nor what a command printed. Files and keyrings that
do not answer block nothing else, and commands run with limits.
"""

from __future__ import annotations

import os
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictui.config.secrets import FORMS, SCHEMES, secret_reference
from lictui.config.settings import Limits
from lictui.config.toml_document import InvalidValue
from lictui.errors import LictuiError
from lictui.model import FailureKind
from lictui.paths import split_command
from lictui.sources.process import LOCAL_TIMEOUT, run_blocking, run_program
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MAX_BYTES: Final = 64 * 1024  # of a file's first line, or of what a command prints


class SecretError(LictuiError):
    """A secret could not be resolved; the message names the reference, never the value."""


async def resolve_secret(secret: str, seconds: float = LOCAL_TIMEOUT) -> str:
    """Return the secret that the reference `secret` names now, within `seconds`.

    Does not block the event loop. Raises SecretError.
    """
    if not secret:
        raise SecretError("no secret is set", f"set secret to one of {FORMS}")
    try:
        scheme, _, target = secret_reference(secret).partition(":")
    except InvalidValue:
        raise SecretError("invalid secret reference", f"set secret to one of {FORMS}") from None
    try:
        value = await _RESOLVERS[scheme](target, seconds)
        value.encode()
    except TimeoutError:
        hint = _TIMEOUT_HINTS.get(scheme, "")
        raise SecretError(f"{secret} timed out after {seconds:g} s", hint) from None
    except UnicodeError:
        raise SecretError(f"{secret} is not valid UTF-8") from None
    except SecretError as error:
        raise SecretError(f"{secret} {error.message}", error.hint) from None
    if not value:
        raise SecretError(f"{secret} is empty", "store the password there")
    return value


# Each raises SecretError with what follows the reference in the message.


async def _from_environment(variable: str, _seconds: float) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise SecretError("is not set", f"export {variable}=… before starting lictui") from None


async def _from_file(file: str, seconds: float) -> str:
    def first_line() -> str:
        try:
            with Path(file).open("rb") as opened:
                return opened.readline(_MAX_BYTES).decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise SecretError(f"cannot be read: {error.strerror or error}") from None

    return await run_blocking(f"file:{file}", first_line, seconds)


async def _from_command(command: str, seconds: float) -> str:
    limits = Limits(timeout=seconds, max_reply=_MAX_BYTES)
    try:
        output = await run_program(split_command(command), limits)
    except SourceError as error:
        if error.failure.kind is FailureKind.TIMEOUT:
            raise TimeoutError from None
        if error.failure.kind is FailureKind.TOO_LARGE:
            raise SecretError(f"printed more than {_MAX_BYTES:,} bytes") from None
        reason = error.failure.message.rpartition(": ")[2]
        raise SecretError(f"cannot be run: {reason}") from None
    if output.exit_code:
        hint = "run it in a terminal to see why"
        raise SecretError(f"exited with code {output.exit_code}", hint)
    return output.stdout.decode().partition("\n")[0].rstrip("\r")


async def _from_keyring(target: str, seconds: float) -> str:
    try:
        import keyring
    except ImportError:
        from lictui.installation import extra_command  # noqa: PLC0415 - slows every start

        hint = f"run: {extra_command('keyring')}"
        raise SecretError("requires the keyring package", hint) from None
    service, _, user = target.rpartition("/")
    try:
        read = partial(keyring.get_password, service, user)
        value = await run_blocking(f"keyring:{target}", read, seconds)
    except TimeoutError:
        raise
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
    "file": "the drive or network share of the file may not respond",
    "command": "run it in a terminal to check whether it prompts for input",
    "keyring": "the keyring may be waiting to be unlocked",
}
_RESOLVERS: Final[dict[str, Callable[[str, float], Awaitable[str]]]] = dict(
    zip(SCHEMES, (_from_environment, _from_file, _from_command, _from_keyring), strict=True)
)
