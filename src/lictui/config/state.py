"""state.toml: what the monitor looked like when it was last left.

Owns the file. Must not know what a view or a sort order is: it keeps words by name. Nothing in it
is worth a complaint: what cannot be read is as if it were not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.config.document import read
from lictui.errors import ConfigError, LictuiError
from lictui.paths import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.paths import Paths

_LONGEST: Final = 1000  # characters; nothing that is remembered is longer


def load_state(paths: Paths) -> dict[str, str]:
    """What was left behind, by name; nothing of a file that is damaged or absent."""
    try:
        data = read(paths.state).data
    except ConfigError:
        return {}
    return {
        name: value
        for name, value in data.items()
        if isinstance(value, str) and len(value) <= _LONGEST
    }


def save_state(paths: Paths, state: Mapping[str, str]) -> None:
    """Leave `state` behind. Raises LictuiError when it cannot be written."""
    import tomli_w  # noqa: PLC0415 - reading needs no writer

    try:
        write_private(paths.state, tomli_w.dumps(dict(state)).encode())
    except OSError as error:
        raise LictuiError(f"{paths.state} cannot be written: {error.strerror or error}") from None
