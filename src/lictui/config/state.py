"""state.toml: what the monitor looked like when it was last left.

Owns the file. Must not know what a view or a sort order is. Nothing in it is worth a complaint:
what cannot be read is as if it were not there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from lictui.config import values
from lictui.config.document import read
from lictui.errors import ConfigError, LictuiError
from lictui.paths import write_private

if TYPE_CHECKING:
    from lictui.paths import Paths


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered from one run of the monitor to the next."""

    view: str = ""
    sort: str = ""
    reverse: bool = False
    collapsed: tuple[str, ...] = ()  # the panes


_KINDS: Final = {
    "view": values.text,
    "sort": values.text,
    "reverse": values.flag,
    "collapsed": values.texts,
}


def load_state(paths: Paths) -> State:
    """The state left behind; the plain one for whatever of it is damaged or absent."""
    try:
        data = read(paths.state).data
    except ConfigError:
        return State()
    found: dict[str, Any] = {}
    for key, kind in _KINDS.items():
        try:
            found[key] = kind(data[key])
        except (KeyError, values.Wrong):
            continue
    return State(**found)


def save_state(paths: Paths, state: State) -> None:
    """Leave `state` behind. Raises LictuiError when it cannot be written."""
    import tomli_w  # noqa: PLC0415 - reading needs no writer

    try:
        write_private(paths.state, tomli_w.dumps(asdict(state)).encode())
    except OSError as error:
        raise LictuiError(f"{paths.state} cannot be written: {error.strerror or error}") from None
