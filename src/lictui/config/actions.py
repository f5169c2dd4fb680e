"""`[actions.<name>]` of config.toml: what is done when something happens to an alert, and to which.

Owns the keys of an action, and which alerts it is about. Must not know how anything is done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lictui.config import values
from lictui.config.secrets import reference, settled
from lictui.model import AlertKind, Happening, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lictui.config.values import Kind
    from lictui.model import Said

_RISING: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Action:
    """One action; where nothing is said of kinds, servers or groups it is about all of them."""

    name: str
    on: tuple[str, ...] = ()  # kinds of alert
    level: str = Level.WARN.value  # the least
    servers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # run without a shell; the event as JSON on its stdin
    webhook: str = ""  # a URL that the event is posted to
    secret: str = ""  # a reference: what the webhook's signature is made with
    verify: bool | str = True  # as of a server
    timeout: float = 10.0  # seconds for the command, or for one try of the webhook
    bell: bool = False  # of the terminal that a monitor runs in
    osc9: bool = False  # a notification of that terminal

    def wants(self, said: Said) -> bool:
        """Whether this is something to act on; that an alert got better is not."""
        standing = said.standing
        worst = max(standing.level, said.before, key=_rank)
        return (
            said.what is not Happening.BETTER
            and (not self.on or standing.who.kind.value in self.on)
            and _rank(worst) >= _rank(Level(self.level))
            and (not self.servers or standing.who.server in self.servers)
            and (not self.groups or standing.group in self.groups)
        )


def _rank(level: Level) -> int:
    return _RISING.index(level) if level in _RISING else -1


def _kinds(value: object) -> tuple[str, ...]:
    kind = values.choice(*(each.value for each in AlertKind))
    return tuple(map(kind, values.texts(value)))


def _command(value: object) -> tuple[str, ...]:
    if not (found := values.texts(value)):
        raise values.Wrong("must not be empty", 'write ["/path/to/program", "argument"]')
    return found


def _url(value: object) -> str:
    found = values.name(value)
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise values.Wrong(f"must be a URL, not {values.shown(value)}") from None
    if not usable:
        raise values.Wrong(f"must be a URL, not {values.shown(value)}", "https://HOST/PATH")
    if parts.username or parts.password:
        raise values.Wrong("must not hold a password", "sign with a secret instead")
    return found


def _verify(value: object) -> bool | str:
    return value if isinstance(value, bool) else values.name(value)


_KEYS: Final[dict[str, Kind]] = {
    "on": _kinds,
    "level": values.choice(*(each.value for each in _RISING)),
    "servers": values.texts,
    "groups": values.texts,
    "command": _command,
    "webhook": _url,
    "secret": reference,
    "verify": _verify,
    "timeout": values.number(1, 300),
    "bell": values.flag,
    "osc9": values.flag,
}


def action(
    name: str, table: Mapping[str, Any], base: Path, blame: Callable[[str, str, str], None]
) -> Action:
    """The action that a table of config.toml describes; relative files begin at the folder `base`.

    What is wrong goes to `blame` as key ("" for the whole), message and hint.
    """
    made = Action(name)
    for key, value in table.items():
        if key not in _KEYS:
            blame(key, "no such key", values.nearest(key, _KEYS))
            continue
        try:
            made = replace(made, **{key: _KEYS[key](value)})
        except values.Wrong as wrong:
            blame(key, wrong.message, wrong.hint)
    if not any(table.get(key) for key in ("command", "webhook", "bell", "osc9")):
        blame("", "does nothing", "give it a command, a webhook, bell = true or osc9 = true")
    if made.secret and not made.webhook:
        blame("secret", "signs a webhook, and there is none", "set webhook")
    verify = made.verify
    if isinstance(verify, str) and not verify.startswith("sha256:"):
        verify = os.fspath(values.located(base, verify))
    return replace(made, secret=settled(made.secret, base), verify=verify)
