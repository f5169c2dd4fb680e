from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lictui.config.loader import load_settings
from lictui.config.settings import Settings
from lictui.errors import ConfigError
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.config.loader import (
    Override,
    SettingOrigin,
    config_template,
    effective_settings,
    format_settings,
    toml_line,
)
from lictui.config.settings import KEYS, AlertSettings

if TYPE_CHECKING:
    from pathlib import Path


FULL = """\
theme = "nord"
ascii = true
read_only = true
timezone = "Europe/Berlin"

[polling]
interval = 300
timeout = 20
connect_timeout = 5.5
max_reply = 65536
concurrency = 8
max_backoff = 60

[alerts]
warn = 0.7
critical = 0.85
for = 3
clear_margin = 0.02
clear_for = 4
repeat = "30m"
expiry_warn = 60
expiry_critical = 14
las_warn = 5
las_critical = 1

[alerts.group.emea]
warn = 0.6

[alerts.server."lic.corp.example"]
critical = 0.95

[alerts.product.XDT_PLT_UD]
expiry_warn = 120

[history]
path = "past.db"
keep_raw = 7
keep_5m = 30
keep_hour = 100
keep_day = 1000

[privacy]
users = "hash"

[keymap]
quit = "ctrl+q"
"poll.all" = ["R", "f5"]
"""


def written(folder: Path, text: str) -> Paths:
    paths = Paths(folder, folder / "data")
    paths.config.write_text(text, encoding="utf-8")
    return paths


def problems(folder: Path, text: str) -> list[tuple[int | None, str, str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(folder, text))
    found = caught.value.problems
    assert all(problem.file == folder / "config.toml" for problem in found)
    return [(each.line, each.key, each.message, each.hint) for each in found]


def test_without_a_file_everything_is_default(tmp_path: Path) -> None:
    assert load_settings(Paths(tmp_path, tmp_path)) == Settings()


def test_every_key_reaches_its_setting(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, FULL))
    assert (settings.theme, settings.ascii, settings.read_only) == ("nord", True, True)
    assert settings.timezone == "Europe/Berlin"
    assert settings.interval == 300
    limits = settings.limits
    assert (limits.timeout, limits.connect_timeout, limits.max_reply) == (20, 5.5, 65536)
    assert (limits.concurrency, limits.max_backoff) == (8, 60)
    default = settings.alerts.default
    assert (default.warn, default.critical, default.for_polls) == (0.7, 0.85, 3)
    assert (default.clear_margin, default.clear_for, default.repeat) == (0.02, 4, 1800)
    assert (default.expiry_warn, default.expiry_critical) == (60, 14)
    assert (default.las_warn, default.las_critical) == (5, 1)
    past = settings.retention
    assert past.path == tmp_path / "past.db"
    assert (past.raw, past.five_minutes, past.hour, past.day) == (7, 30, 100, 1000)
    assert settings.user_privacy == "hash"
    assert settings.keymap == {"quit": "ctrl+q", "poll.all": "R,f5"}


def test_the_most_specific_threshold_wins_key_by_key(tmp_path: Path) -> None:
    alerts = load_settings(written(tmp_path, FULL)).alerts
    here = alerts.thresholds_for(group="emea", server="lic.corp.example", product="XDT_PLT_UD")
    assert (here.warn, here.critical, here.expiry_warn, here.las_warn) == (0.6, 0.95, 120, 5)
    assert alerts.thresholds_for(group="us", server="other") is alerts.default


def test_all_problems_come_at_once_with_line_key_and_suggestion(tmp_path: Path) -> None:
    text = """\
them = "nord"
timeout = 3
[polling]
concurency = 4
timeout = "20"
[alerts]
warn = 80
repeat = "4 fortnights"
[alerts.group.emea]
critcal = 0.9
[privacy]
users = "hidden"
[allerts]
"""
    assert problems(tmp_path, text) == [
        (1, "them", "unknown key", "did you mean theme?"),
        (2, "timeout", "unknown key", "did you mean polling.timeout?"),
        (4, "polling.concurency", "unknown key", "did you mean polling.concurrency?"),
        (5, "polling.timeout", 'must be a number, not "20"', "remove the quotes"),
        (7, "alerts.warn", "must be between 0 and 1, not 80", "write 0.8"),
        (
            8,
            "alerts.repeat",
            'must be a duration, not "4 fortnights"',
            'write "90s", "15m", "4h" or "1d"',
        ),
        (10, "alerts.group.emea.critcal", "unknown key", "did you mean critical?"),
        (
            12,
            "privacy.users",
            'must be one of hide · hash · show, not "hidden"',
            "did you mean hide?",
        ),
        (13, "allerts", "unknown key", "did you mean alerts?"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[alerts]\nwarn = 0.95", 2, "alerts.warn", "warn must be below critical"),
        ("[alerts]\ncritical = 0.8", 2, "alerts.critical", "warn must be below critical"),
        ("[alerts]\nexpiry_critical = 90", 2, "alerts.expiry_critical", "below expiry_warn"),
        ("[alerts]\nclear_margin = 0.8", 2, "alerts.clear_margin", "below warn"),
        ("[alerts.server.a]\nwarn = 0.9", 2, "alerts.server.a.warn", "below critical"),
        ("[polling]\nconnect_timeout = 31", 2, "polling.connect_timeout", "at most timeout"),
        ("[history]\nkeep_day = 100", 2, "history.keep_day", "keep_hour must be at most"),
        ("[polling]\ninterval = 0.5", 2, "polling.interval", "from 1 to"),
        ("[polling]\ntimeout = nan", 2, "polling.timeout", "from 1 to"),
        ("[polling]\nconcurrency = 1.5", 2, "polling.concurrency", "an integer"),
        ("[polling]\nconcurrency = true", 2, "polling.concurrency", "an integer, not true"),
        ("ascii = 1", 1, "ascii", "must be true or false, not 1"),
        ("timezone = 'Europe/Berln'", 1, "timezone", "unknown time zone"),
        ("timezone = '../etc/passwd'", 1, "timezone", "unknown time zone"),
        ("polling = 5", 1, "polling", "must be a table"),
        ("[alerts]\ngroup = 1", 2, "alerts.group", "a table for each name"),
        ("[keymap]\nquit = 1", 2, "keymap.quit", "must be a string"),
        ('theme = "\\u001b[31m"', 1, "theme", "U+001B"),
        ('"polling.timeout" = 3', 1, '"polling.timeout"', "unknown key"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, text: str, line: int, key: str, words: str
) -> None:
    ((at, where, message, _),) = problems(tmp_path, text)
    assert (at, where) == (line, key)
    assert words in message


def test_a_value_that_is_wrong_is_not_said_to_clash_as_well(tmp_path: Path) -> None:
    ((_, key, _, _),) = problems(tmp_path, '[alerts]\nwarn = "x"\ncritical = 0.5')
    assert key == "alerts.warn"


def test_a_short_timeout_alone_is_fine(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "[polling]\ntimeout = 2")).limits.timeout == 2


def test_a_name_with_dots_is_told_to_be_quoted(tmp_path: Path) -> None:
    ((_, _, _, hint),) = problems(tmp_path, "[alerts.server.lic.corp]\nwarn = 0.5")
    assert '[alerts.server."lic.corp"]' in hint


def test_a_time_zone_is_suggested(tmp_path: Path) -> None:
    ((_, _, _, hint),) = problems(tmp_path, "timezone = 'Europe/Berln'")
    assert hint == "did you mean Europe/Berlin?"


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
