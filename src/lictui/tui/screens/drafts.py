"""The way between the texts of the registration form and what servers.toml says.

Owns how a value is written in a field. Pure: must not know which fields are shown (`fields`), nor
what makes a value valid, which is the registry's business.
"""

from __future__ import annotations

import ipaddress
import shlex
import tomllib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lictui.config.server_schema import table_of
from lictui.tui.screens.fields import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.model import Server

_ALWAYS: Final = ("source", "format")  # what is chosen, even if it is the first choice


def draft_of(server: Server) -> dict[str, str]:
    """The texts of a registered server's fields."""
    draft = {key: _text(key, value) for key, value in table_of(server).items()}
    return dict.fromkeys(fields(draft), "") | draft


def raw_of(draft: Mapping[str, str]) -> dict[str, Any]:
    """What servers.toml would say for this draft: empty fields and defaults are left out."""
    raw: dict[str, Any] = {}
    for key, field in fields(draft).items():
        text = draft.get(key, "").strip()
        if key in _ALWAYS:
            raw[key] = text or field.default
        elif text and text != field.default:
            raw[key] = _VALUE.get(key, str)(text)
    return raw


def suggested_name(draft: Mapping[str, str]) -> str:
    """A name for the server of this draft, by its host or customer; "" if there is neither."""
    needed = fields(draft)
    if "url" in needed and not needed["url"].default:
        return _host_name(draft.get("url", ""))
    if "address" in needed:
        return _host_name(draft.get("address", "").partition(",")[0].rpartition("@")[2])
    return draft.get("customer_id", "").strip() if "customer_id" in needed else ""


def _host_name(url: str) -> str:
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.partition(".")[0]


def _text(key: str, value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case list():
            return shlex.join(value) if key == "command" else ", ".join(value)
        case _:
            return str(value)


def _flag(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the registry says what is wrong with it


def _whole(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _words(text: str) -> Any:
    """A list as TOML has it, or words as a shell would split them."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if text[0] == "[" else shlex.split(text)
    except ValueError:  # a bracket or quote that is not closed: refused as it stands
        return text


_VALUE: Final = {
    "verify": _flag,
    "enabled": _flag,
    "experimental": _flag,
    "interval": _number,
    "quantity_divisor": _whole,
    "overview_paths": _list,
    "command": _words,
}
