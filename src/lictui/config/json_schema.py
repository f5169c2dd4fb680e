"""JSON Schemas of config.toml and servers.toml, for editors and for programs that write them.

They are made from the tables of keys; what only lictui can check is left to `lictui config check`.
"""

from __future__ import annotations

from typing import Any, Final

from lictui.config.server_schema import servers_json_schema
from lictui.config.settings import ACTION_KEYS, ALERT_SCOPES, KEYS, THRESHOLD_KEYS, SettingKey
from lictui.config.toml_document import json_type

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of config.toml."""
    top: dict[str, Any] = {}
    tables: dict[str, dict[str, Any]] = {}
    for key in KEYS:
        properties = tables.setdefault(key.table, {}) if key.table else top
        properties[key.name.rpartition(".")[2]] = _described(key)
    thresholds = _object({name: _described(key) for name, key in THRESHOLD_KEYS.items()})
    for scope in ALERT_SCOPES:
        tables["alerts"][scope] = {"type": "object", "additionalProperties": thresholds}
    action = _object({name: _described(key) for name, key in ACTION_KEYS.items()})
    top |= {table: _object(properties) for table, properties in tables.items()}
    top["keymap"] = {"type": "object", "additionalProperties": {"type": "string"}}
    top["actions"] = {"type": "object", "additionalProperties": action}
    return {"$schema": _DIALECT, "title": "config.toml of lictui", **_object(top)}


def servers_schema() -> dict[str, Any]:
    """Return the JSON Schema of servers.toml."""
    servers = {"type": "array", "items": servers_json_schema()}
    return {"$schema": _DIALECT, "title": "servers.toml of lictui", **_object({"server": servers})}


def _described(key: SettingKey) -> dict[str, Any]:
    return {"description": key.help, **json_type(key.validate)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}
