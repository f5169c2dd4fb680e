"""docs/configuration.md, from the key tables: `python -m tests.configuration_page` writes it."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from lictui.config.entitlements import Entitlement
from lictui.config.loader import toml_line
from lictui.config.server_help import SOURCE_HELP, key_help
from lictui.config.server_schema import SOURCE_SCHEMAS, keys_for
from lictui.config.settings import ACTION_KEYS, KEYS, Action, SettingKey, Settings
from lictui.model import DEFAULT_INTERVAL, Server, SourceName

FILE: Final = Path(__file__).parents[1] / "docs" / "configuration.md"

_HEAD: Final = """\
<!-- Written by `python -m tests.configuration_page`: change the key tables instead. -->

# Configuration

Three files in the configuration directory, `lictui info` prints where. An error never costs data: the message names
file, line, key and the nearest valid key, and a running monitor keeps the last good configuration. Changes take effect
without a restart.

| file | written by | content |
|---|---|---|
| `config.toml` | you; lictui never modifies it | settings |
| `servers.toml` | lictui (server form, command line); manual edits are allowed | servers |
| `contract.toml` | you; lictui never modifies it | purchased licenses |

`lictui config init` writes a commented `config.toml`, `lictui config check` reports errors, `lictui config show --origin`
prints every value with its origin. Precedence: command-line option, environment variable (`LICTUI_THEME` for `--theme`), file, default.
`lictui config schema config` and `servers` print JSON Schemas for editors, `status` that of `lictui status --json`.
"""
_OVERRIDES: Final = """\
Every key of `[alerts]` can be overridden in `[alerts.group.<name>]`, `[alerts.server.<name>]` and
`[alerts.product.<code>]`; the most specific one applies, key by key. Quote a name that contains a dot:
`[alerts.server."lic01.corp.example"]`.
"""
_KEYMAP: Final = """\
### `[keymap]`

Command IDs to keys, several separated by commas: `quit = "q,ctrl+q"`. The IDs are on the page of [keys](keys.md).
"""
_PRIVATE: Final = (
    "A password or client secret is never stored in these files, only a reference to it: `env:NAME`, `file:PATH`,\n"
    "`command:CMD ARGS` or `keyring:SERVICE/USER`.\n"
)
ENTITLEMENT_HELP: Final = {
    "product": "Product code as the server reports it. Required.",
    "purchased": "Number of purchased licenses. Required.",
    "cost": "Cost per license and year.",
    "currency": "Currency of the cost.",
    "renewal": "Date by which the contract must be renewed: 2027-03-31.",
    "server": "Only for this server.",
    "group": "Only for the servers of this group; without server and group for all servers.",
}


def configuration_page() -> str:
    """Return the page as Markdown."""
    return "\n".join((_HEAD, *_config(), *_servers(), *_entitlements()))


def _config() -> Iterator[str]:
    yield "## config.toml\n"
    for table, keys in groupby(KEYS, key=lambda key: key.table):
        yield f"### `[{table}]`\n" if table else "### Top level\n"
        yield _table((key.name.rpartition(".")[2], _default(key), key.help) for key in keys)
        if table == "alerts":
            yield _OVERRIDES
    yield "### `[actions.<name>]`\n"
    yield _table(
        (name, _value(name, getattr(Action(""), name)), key.help)
        for name, key in ACTION_KEYS.items()
    )
    yield _KEYMAP


def _servers() -> Iterator[str]:
    yield "## servers.toml\n"
    yield "Every server is a table `[[server]]`. Relative paths start at the configuration directory.\n"
    yield _PRIVATE
    common = [key for key in keys_for("winrm") if key not in SOURCE_SCHEMAS["winrm"].keys]
    yield "### All sources\n"
    yield _table((key, _server_default(key), key_help(key)) for key in common)
    without = " and ".join(f"`{source}`" for source, s in SOURCE_SCHEMAS.items() if not s.url)
    yield f"`url`, `username`, `secret`, `verify` and `proxy` do not apply to {without}.\n"
    intervals = ", ".join(f"{DEFAULT_INTERVAL[source]:g} ({source})" for source in SourceName)
    yield f"Default intervals: {intervals}.\n"
    for source, schema in SOURCE_SCHEMAS.items():
        yield f"### {source}\n"
        keys = dict.fromkeys((*SOURCE_HELP.get(source, ()), *schema.keys))
        defaults = schema.defaults
        yield _table(
            (
                key,
                f"`{defaults[key]}`" if key in defaults else _server_default(key),
                key_help(key, source),
            )
            for key in keys
        )


def _entitlements() -> Iterator[str]:
    yield "## contract.toml\n"
    yield "Every purchase is a table `[[product]]`.\n"
    defaults = Entitlement("", 0)
    optional = {key for key in ENTITLEMENT_HELP if key not in ("product", "purchased")}
    yield _table(
        (key, _value(key, getattr(defaults, key)) if key in optional else "", description)
        for key, description in ENTITLEMENT_HELP.items()
    )


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = ["| key | default | description |", "|---|---|---|"]
    lines += [f"| `{key}` | {default} | {description} |" for key, default, description in rows]
    return "\n".join(lines) + "\n"


def _default(key: SettingKey) -> str:
    return _value(key.name, key.value_in(Settings()))


def _server_default(key: str) -> str:
    server = Server("", SourceName.WINRM)
    return "" if key in ("name", "source") else _value(key, getattr(server, key))


def _value(name: str, value: object) -> str:
    if value in (None, "", (), {}):
        return ""
    return f"`{toml_line(tuple(name.split('.')), value).partition(' = ')[2]}`"


if __name__ == "__main__":
    FILE.write_text(configuration_page(), encoding="utf-8")
