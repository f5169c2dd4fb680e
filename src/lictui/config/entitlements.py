"""contract.toml: the purchased licenses, with their cost and renewal date. Never written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from lictui.config.toml_document import (
    InvalidValue,
    Validator,
    did_you_mean,
    non_empty_string,
    number,
    quoted,
    read_toml,
)
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.config.toml_document import TomlDocument
    from lictui.errors import Problem
    from lictui.paths import Paths


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One line of the contract: a quantity of licenses of one product."""

    product: str  # the product code as the servers report it
    purchased: int
    cost: float | None = None  # per license and year
    currency: str = ""
    renewal: date | None = None  # the day by which it must be renewed
    server: str = ""  # only for this server
    group: str = ""  # only for the servers of this group; without both for all servers


def _date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise InvalidValue(f"must be a date, not {quoted(value)}", "example: 2027-03-31")


ENTITLEMENT_KEYS: Final[dict[str, Validator]] = {
    "product": non_empty_string,
    "purchased": number(0, 10_000_000, whole=True),
    "cost": number(0, 1_000_000_000),
    "currency": non_empty_string,
    "renewal": _date,
    "server": non_empty_string,
    "group": non_empty_string,
}
_REQUIRED: Final = {
    "product": "the product code as the server reports it",
    "purchased": "the number of purchased licenses",
}


def load_entitlements(paths: Paths) -> tuple[Entitlement, ...]:
    """Return the entitlements of contract.toml; none without that file.

    Raises ConfigError with every problem of the file.
    """
    document = read_toml(paths.entitlements)
    problems = [
        document.problem((key,), "unknown key", "every product is a table [[product]]")
        for key in document.data
        if key != "product"
    ]
    entitlements: list[Entitlement] = []
    first_index: dict[tuple[str, str, str], int] = {}  # of each product and scope
    for index, table in enumerate(document.tables("product")):
        fields: dict[str, Any] = {}
        table_problems = list(_read_table(document, index, table, fields))
        scope = (fields.get("product", ""), fields.get("server", ""), fields.get("group", ""))
        if not table_problems and scope in first_index:
            line = document.line(("product", first_index[scope], "product"))
            message = f"duplicate entry for {scope[0]} (first on line {line})"
            hint = "merge them or set server or group"
            path = ("product", index, "product")
            table_problems.append(document.problem(path, message, hint))
        problems += table_problems
        if not table_problems:
            first_index[scope] = index
            entitlements.append(Entitlement(**fields))
    if problems:
        raise ConfigError(tuple(sorted(problems, key=lambda problem: problem.line or 0)))
    return tuple(entitlements)


def _read_table(
    document: TomlDocument, index: int, table: dict[str, Any], fields: dict[str, Any]
) -> Iterator[Problem]:
    """Put the valid values of `table` into `fields`, and yield the problems of the others."""
    for key, value in table.items():
        path = ("product", index, key)
        if key not in ENTITLEMENT_KEYS:
            hint = did_you_mean(key, ENTITLEMENT_KEYS)
            yield document.problem(path, "unknown key", hint)
            continue
        try:
            fields[key] = ENTITLEMENT_KEYS[key](value)
        except InvalidValue as invalid:
            yield document.problem(path, invalid.message, invalid.hint)
    for key, hint in _REQUIRED.items():
        if key not in table:
            yield document.problem(("product", index, key), "is missing", hint)
    if "server" in table and "group" in table:
        path = ("product", index, "group")
        yield document.problem(path, "group and server are mutually exclusive", "remove one")
