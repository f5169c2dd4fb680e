"""References to secrets: `env:NAME`, `file:PATH`, `command:CMD ARGS`, `keyring:SERVICE/USER`.

The secret itself is resolved by `lictui.sources.secrets`, just before it is used.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from lictui.config.toml_document import InvalidValue, accepts, non_empty_string, resolve_path
from lictui.errors import LictuiError, UsageError
from lictui.paths import Paths, split_command, write_private

SCHEMES: Final = ("env", "file", "command", "keyring")
FORMS: Final = "env:NAME · file:PATH · command:CMD ARGS · keyring:SERVICE/USER"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLES: Final[set[str]] = set()  # that any reference names


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference."""
    return text.partition(":")[0] in SCHEMES


def secret_reference(value: object) -> str:
    """Return the reference if it has a valid form; no error message repeats it."""
    if value == "":
        return ""
    if not isinstance(value, str):
        raise InvalidValue("must be a string that references a secret", FORMS)
    scheme, _, target = value.partition(":")
    if scheme not in SCHEMES or not target.strip():
        raise InvalidValue("enter a reference to the secret, not the secret itself", FORMS)
    non_empty_string(value)
    if scheme == "env" and not _VARIABLE.fullmatch(target):
        raise InvalidValue("env: requires the name of a variable", "example: env:LICTUI_EMEA")
    if scheme == "env":
        _VARIABLES.add(target)
    if scheme == "keyring" and not all(target.rpartition("/")):
        raise InvalidValue("keyring: requires a service and a user", "keyring:SERVICE/USER")
    if scheme == "command":
        try:
            split_command(target)
        except ValueError:
            raise InvalidValue("command: contains an unclosed quote") from None
    return value


def child_environment() -> dict[str, str]:
    """Return the environment for a program: without the variables that hold secrets."""
    return {name: value for name, value in os.environ.items() if name not in _VARIABLES}


def with_absolute_file(secret: str, base: Path) -> str:
    """Return the reference with a relative `file:` resolved against the folder `base`."""
    scheme, _, target = secret.partition(":")
    return f"file:{resolve_path(base, target)}" if scheme == "file" else secret


accepts(secret_reference, with_absolute_file)
_FILE_NAME: Final = re.compile(r"[\w@-][\w.@ -]{0,100}")


def store_secret(paths: Paths, name: str, secret: str, *, in_keyring: bool = False) -> str:
    """Store a password and return the reference to it: a private file, or the system's keyring.

    Raises LictuiError, which never contains the password.
    """
    if not _FILE_NAME.fullmatch(name):
        raise UsageError(f"invalid name {name!r}", "use letters, digits, spaces and . @ _ -")
    if not secret or not secret.isprintable():
        raise UsageError("the password is empty or contains unprintable characters")
    if in_keyring:
        try:
            import keyring

            keyring.set_password("lictui", name, secret)
        except ImportError:
            message = "--to keyring requires the keyring package"
            raise UsageError(message, "install the extra keyring: docs/install.md") from None
        except Exception as error:  # noqa: BLE001 - every backend has its own exceptions
            message = f"the keyring did not store the password: {type(error).__name__}"
            raise LictuiError(message, "unlock the keyring, or use --to file") from None
        return f"keyring:lictui/{name}"
    file = paths.secrets / name
    try:
        write_private(file, f"{secret}\n".encode())
    except OSError as error:
        raise LictuiError(f"{file} cannot be written: {error.strerror or error}") from None
    return f"file:{file}"


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
