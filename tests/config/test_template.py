from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.config.loader import (
    Override,
    SettingOrigin,
    config_template,
    effective_settings,
    format_settings,
    load_settings,
    toml_line,
)
from lictui.config.settings import KEYS, AlertSettings, Settings
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = """\
timezone = "Europe/Berlin"
[polling]
timeout = 20
[alerts]
repeat = "90s"
[alerts.server."lic.corp"]
warn = 0.5
[keymap]
quit = ["q", "x"]
"""


def written(folder: Path, text: str) -> Paths:
    paths = Paths(folder, folder)
    paths.config.write_text(text)
    return paths


def test_the_template_as_it_is_changes_nothing(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, config_template())) == Settings()


def test_the_template_uncommented_is_the_defaults(tmp_path: Path) -> None:
    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in config_template().split("\n")
    ]
    settings = load_settings(written(tmp_path, "\n".join(lines)))
    assert settings.interval == 900
    assert settings.retention.path is not None
    assert settings.alerts.group == {"emea": {"warn": 0.75}}
    assert settings.keymap == {"quit": "q,ctrl+q"}
    (action,) = settings.actions
    assert (action.name, action.on, action.bell) == ("pager", ("usage", "server"), True)
    plain = replace(
        settings,
        actions=(),
        interval=None,
        retention=replace(settings.retention, path=None),
        alerts=AlertSettings(settings.alerts.default),
        keymap={},
    )
    assert plain == Settings()


def test_the_template_has_every_key() -> None:
    for key in KEYS:
        assert f"\n#{key.name.rpartition('.')[2]} = " in config_template()


def test_every_setting_says_who_decided_it(tmp_path: Path) -> None:
    paths = written(tmp_path, WRITTEN)
    overrides = {
        "theme": Override("nord", SettingOrigin.OPTION, "--theme"),
        "polling.timeout": Override(5.0, SettingOrigin.ENVIRONMENT, "LICTUI_TIMEOUT"),
    }
    found = {
        setting.path: (setting.value, setting.origin, setting.location)
        for setting in effective_settings(paths, overrides)
    }
    file = tmp_path / "config.toml"
    assert found["theme",] == ("nord", SettingOrigin.OPTION, "--theme")
    assert found["polling", "timeout"] == (5.0, SettingOrigin.ENVIRONMENT, "LICTUI_TIMEOUT")
    assert found["timezone",] == ("Europe/Berlin", SettingOrigin.FILE, f"{file}:1")
    assert found["ascii",] == (False, SettingOrigin.DEFAULT, "")
    assert found["alerts", "server", "lic.corp", "warn"] == (0.5, SettingOrigin.FILE, f"{file}:7")
    assert found["keymap", "quit"] == ("q,x", SettingOrigin.FILE, f"{file}:9")


def test_a_listing_is_a_config_that_says_the_same(tmp_path: Path) -> None:
    paths = written(tmp_path, WRITTEN)
    before = load_settings(paths)
    for origins in (False, True):
        text = format_settings(effective_settings(paths, {}), origins=origins)
        (tmp_path / "again").mkdir(exist_ok=True)
        assert load_settings(written(tmp_path / "again", text)) == before
        assert 'repeat = "90s"' in text
        assert tomllib.loads(text)["polling"]["timeout"] == 20


def test_values_are_spelled_as_people_do(tmp_path: Path) -> None:
    assert toml_line(("alerts", "repeat"), 14400.0) == 'repeat = "4h"'
    assert toml_line(("alerts", "repeat"), 90.0) == 'repeat = "90s"'
    assert toml_line(("alerts", "repeat"), 1.5) == 'repeat = "1.5s"'
    assert toml_line(("polling", "timeout"), 30.0) == "timeout = 30"
    assert toml_line(("history", "path"), tmp_path) == f'path = "{tmp_path}"'
    assert toml_line(("history", "path"), None) == "# path is not set"
    assert toml_line(("keymap", "a.b"), "q") == '"a.b" = "q"'
