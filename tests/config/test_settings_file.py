from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lictui.config.loader import load_settings
from lictui.config.settings import Settings
from lictui.errors import ConfigError
from lictui.paths import Paths

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
        (1, "them", "no such key", "did you mean theme?"),
        (2, "timeout", "no such key", "did you mean polling.timeout?"),
        (4, "polling.concurency", "no such key", "did you mean polling.concurrency?"),
        (5, "polling.timeout", 'must be a number, not "20"', "without the quotes"),
        (7, "alerts.warn", "is a ratio from 0 to 1, not 80", "write 0.8"),
        (
            8,
            "alerts.repeat",
            'must be a time span, not "4 fortnights"',
            'write "90s", "15m", "4h" or "1d"',
        ),
        (10, "alerts.group.emea.critcal", "no such key", "did you mean critical?"),
        (
            12,
            "privacy.users",
            'must be one of hide · hash · show, not "hidden"',
            "did you mean hide?",
        ),
        (13, "allerts", "no such key", "did you mean alerts?"),
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
        ("[polling]\nconcurrency = 1.5", 2, "polling.concurrency", "a whole number"),
        ("[polling]\nconcurrency = true", 2, "polling.concurrency", "a whole number, not true"),
        ("ascii = 1", 1, "ascii", "must be true or false, not 1"),
        ("timezone = 'Europe/Berln'", 1, "timezone", "no time zone"),
        ("timezone = '../etc/passwd'", 1, "timezone", "no time zone"),
        ("polling = 5", 1, "polling", "must be a table"),
        ("[alerts]\ngroup = 1", 2, "alerts.group", "a table for each name"),
        ("[keymap]\nquit = 1", 2, "keymap.quit", "must be text"),
        ('theme = "\\u001b[31m"', 1, "theme", "U+001B"),
        ('"polling.timeout" = 3', 1, '"polling.timeout"', "no such key"),
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
