"""contract.toml: what was bought, for whom, for how much and until when.

Owns the keys of one `[[product]]`. Must not know what is installed, nor what is made of the
difference. Never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from lictui.config import toml_document
from lictui.config.toml_document import TomlDocument, Validator, read_toml
from lictui.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.paths import Paths


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One line of the contract: so many licenses of a product."""

    product: str  # the code as the servers name it
    purchased: int
    cost: float | None = None  # of one license and year
    currency: str = ""
    renewal: date | None = None  # the day on which it must be renewed
    server: str = ""  # for this one alone
    group: str = ""  # for the servers of this group; without both for the estate


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise toml_document.InvalidValue(
        f"must be a day, not {toml_document.quoted(value)}", "write 2027-03-31"
    )


_KEYS: Final[dict[str, Validator]] = {
    "product": toml_document.non_empty_string,
    "purchased": toml_document.number(0, 10_000_000, whole=True),
    "cost": toml_document.number(0, 1_000_000_000),
    "currency": toml_document.non_empty_string,
    "renewal": _day,
    "server": toml_document.non_empty_string,
    "group": toml_document.non_empty_string,
}
_NEEDED: Final = {"product": "the code as the server names it", "purchased": "how many were bought"}


def load_entitlements(paths: Paths) -> tuple[Entitlement, ...]:
    """What `paths.contract` says was bought; nothing without that file.

    Raises ConfigError with every problem found.
    """
    document = read_toml(paths.entitlements)
    problems = [
        document.problem((key,), "no such key", "every product is a table [[product]]")
        for key in document.data
        if key != "product"
    ]
    found: list[Entitlement] = []
    lines: dict[tuple[str, str, str], int] = {}
    for at, table in enumerate(_tables(document)):
        fields: dict[str, Any] = {}
        wrong = list(_read(document, at, table, fields))
        scope = (fields.get("product", ""), fields.get("server", ""), fields.get("group", ""))
        if not wrong and scope in lines:
            first = document.line(("product", lines[scope], "product"))
            wrong.append(
                document.problem(
                    ("product", at, "product"),
                    f"{scope[0]} stands here twice",
                    f"the first is on line {first}; add both up, or give each a server or group",
                )
            )
        problems += wrong
        if not wrong:
            lines[scope] = at
            found.append(Entitlement(**fields))
    if problems:
        raise ConfigError(tuple(sorted(problems, key=lambda each: each.line or 0)))
    return tuple(found)


def _tables(document: TomlDocument) -> list[dict[str, Any]]:
    tables = document.data.get("product", [])
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return tables
    problem = document.problem(("product",), "must be a list of tables", "write [[product]]")
    raise ConfigError((problem,))


def _read(
    document: TomlDocument, at: int, table: dict[str, Any], fields: dict[str, Any]
) -> Iterator[Problem]:
    for key, value in table.items():
        path = ("product", at, key)
        if key not in _KEYS:
            yield document.problem(path, "no such key", toml_document.did_you_mean(key, _KEYS))
            continue
        try:
            fields[key] = _KEYS[key](value)
        except toml_document.InvalidValue as wrong:
            yield document.problem(path, wrong.message, wrong.hint)
    for key, hint in _NEEDED.items():
        if key not in table:
            yield document.problem(("product", at, key), "is missing", hint)
    if "server" in table and "group" in table:
        yield document.problem(
            ("product", at, "group"), "is for a server already", "leave one of the two out"
        )
