"""One `[[server]]` of servers.toml: every key once, what it may be, and when it makes sense.

Owns the keys that every server has, and the way between a table and a Server. Must not know files:
the same rules hold for a form and a command line. What differs by source stands in `sources`.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from lictui.config import addresses, secrets, sources, values
from lictui.config.refusal import Refusal
from lictui.model import Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lictui.config.values import Kind

_PIN: Final = re.compile(r"[0-9a-f]{64}")


def _verify(value: object) -> bool | str:
    """`true`, `false`, a CA bundle's path or a pin, which comes back in lower case, no colons."""
    if isinstance(value, bool):
        return value
    said = values.name(value).strip()
    if said.lower() in ("true", "false"):
        raise values.Wrong(f'must be {said.lower()} without the quotes, not "{said}"')
    way, _, pin = said.partition(":")
    if way.lower() != "sha256":
        return said
    pin = pin.replace(":", "").strip().lower()
    if not _PIN.fullmatch(pin):
        raise values.Wrong(
            f"a pin is sha256: and 64 hexadecimal digits, not {len(pin)} of something",
            "Test shows the server's own",
        )
    return f"sha256:{pin}"


# key -> kind; the order is the order in which a table is written
_COMMON: Final[dict[str, Kind]] = {
    "name": values.name,
    "source": values.choice(*SourceName),
    "url": values.text,  # what else it must be depends on the source
    "username": values.text,
    "secret": secrets.reference,
    "verify": _verify,
    "group": values.text,
    "interval": values.number(1, 7 * 86400),
    "enabled": values.flag,
    "same_as": values.text,
    "quantity_divisor": values.number(1, 100, whole=True),
}
_NO_HTTP: Final = ("url", "username", "secret", "verify")  # keys of _COMMON
_IDLE: Final = "verify"  # stands in many a template, and does no harm where nothing is verified
_KEYS: Final = {key: kind for of in (_COMMON, *sources.KEYS.values()) for key, kind in of.items()}


@cache
def keys_of(source: str) -> tuple[str, ...]:
    """The keys that a server of this source may have; every source's where it is unknown."""
    if source not in sources.KEYS:
        return tuple(_KEYS)
    common = [key for key in _COMMON if source in sources.OVER_HTTP or key not in _NO_HTTP]
    return (*common, *sources.KEYS[source])


def check(table: Mapping[str, Any], base: Path) -> tuple[Server | None, tuple[Refusal, ...]]:
    """The server that `table` describes, completed; or None and everything that is wrong with it.

    Relative paths in it begin at the folder `base`. An empty text is a key that is not there.
    """
    source = str(table.get("source", ""))
    given = {key: value for key, value in table.items() if value != ""}
    fields: dict[str, Any] = {}
    known = {*keys_of(source), _IDLE}
    refusals = list(_strangers(table, source))
    kinds = _KEYS | sources.KEYS.get(source, {})
    for key, kind in kinds.items():
        if key in given and key in known:
            try:
                fields[key] = kind(given[key])
                if key == "url" and source in addresses.OF_SOURCE:
                    fields[key] = addresses.OF_SOURCE[source](fields[key])
            except values.Wrong as wrong:
                refusals.append(Refusal(key, wrong.message, wrong.hint))
    refusals += _missing(given, source)
    if not refusals:
        refusals += sources.inconsistent(fields)
    if refusals:
        return None, tuple(refusals)
    return _completed(anchored(fields, base)), ()


def anchored(table: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """`table` with the relative paths in it taken from the folder `base`."""
    found = dict(table)
    if secret := table.get("secret"):
        found["secret"] = secrets.settled(secret, base)
    for key in ("certificate", "verify"):
        path = table.get(key)
        if isinstance(path, str) and path and not path.lower().startswith("sha256:"):
            found[key] = str(values.located(base, path))
    if isinstance(program := table.get("lmutil"), str):
        found["lmutil"] = _program(base, program)
    if isinstance(words := table.get("command"), list | tuple) and words:
        found["command"] = (_program(base, words[0]), *words[1:])
    return found


def _program(base: Path, said: Any) -> Any:
    """A program that is named by its path; one that is named alone is looked for when it runs."""
    if isinstance(said, str) and (said.startswith("~") or set(said) & {"/", os.sep}):
        return str(values.located(base, said))
    return said


def table_of(server: Server) -> dict[str, Any]:
    """The table that describes `server`; keys that say nothing are left out."""
    table: dict[str, Any] = {}
    for key in keys_of(server.source):
        value = getattr(server, key)
        if value in ("", None, ()) or (key == "quantity_divisor" and value == 1):
            continue
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        table[key] = list(value) if isinstance(value, tuple) else value
    table["source"] = str(server.source)
    return table


def _strangers(table: Mapping[str, Any], source: str) -> Iterator[Refusal]:
    known = keys_of(source)
    for key in table:
        if key in known or key == _IDLE:
            continue
        owners = " · ".join(other for other, keys in sources.KEYS.items() if key in keys)
        if key in _COMMON:
            instead = {"url": 'write address = "27000@lic01"'} if source == "lmstat" else {}
            yield Refusal(
                key, f"is of no use: {source} speaks no HTTP", instead.get(key, "take it out")
            )
        elif owners:
            yield Refusal(key, f"is a key of {owners}, not of {source}", "take it out")
        else:
            yield Refusal(key, "no such key", values.nearest(key, known))


def _missing(given: Mapping[str, Any], source: str) -> Iterator[Refusal]:
    if "name" not in given:
        yield Refusal("name", "is missing", "every server has a name of its own")
    if "source" not in given:
        yield Refusal("source", "is missing", "one of " + " · ".join(SourceName))
    yield from sources.missing(given, source)


def _completed(fields: dict[str, Any]) -> Server:
    source = SourceName(fields["source"])
    return Server(**{**sources.DEFAULTS.get(source, {}), **fields, "source": source})
