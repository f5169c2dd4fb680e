"""contract.toml: the purchased licenses, with their cost and renewal date. Never written."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from lictui.config.toml_document import (
    FieldError,
    InvalidValue,
    Validator,
    check_table,
    non_empty_string,
    number,
    quoted,
    read_toml,
)
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths


class Entitlement(Struct, frozen=True):
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
    problems = document.foreign_keys("product")
    entitlements: list[Entitlement] = []
    first_index: dict[tuple[str, str, str], int] = {}  # of each product and scope
    for index, table in enumerate(document.tables("product")):
        fields, errors = _check_entitlement(table, paths.config_dir)
        scope = (fields.get("product", ""), fields.get("server", ""), fields.get("group", ""))
        if not errors and scope in first_index:
            line = document.line(("product", first_index[scope], "product"))
            message = f"duplicate entry for {scope[0]} (first on line {line})"
            errors.append(FieldError("product", message, "merge them or set server or group"))
        problems += document.problems(("product", index), errors)
        if not errors:
            first_index[scope] = index
            entitlements.append(Entitlement(**fields))
    if problems:
        raise ConfigError(tuple(sorted(problems, key=lambda problem: problem.line or 0)))
    return tuple(entitlements)


def _check_entitlement(
    table: dict[str, Any], base: Path
) -> tuple[dict[str, Any], list[FieldError]]:
    fields, errors = check_table(table, ENTITLEMENT_KEYS, base)
    errors += [FieldError(k, "is missing", hint) for k, hint in _REQUIRED.items() if k not in table]
    if "server" in table and "group" in table:
        errors.append(FieldError("group", "group and server are mutually exclusive", "remove one"))
    return fields, errors
