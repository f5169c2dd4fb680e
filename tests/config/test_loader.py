"""config.toml: every key, every problem, its template, and what a running monitor reads again."""

import os
import stat
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from lictui.config.entitlements import Entitlement
from lictui.config.loader import (
    ConfigWatcher,
    LoadedConfig,
    config_template,
    effective_settings,
    format_settings,
    load_settings,
    load_state,
    save_state,
)
from lictui.config.registry import remove_server, save_servers
from lictui.config.settings import KEYS, Action, AlertSettings, Settings
from lictui.errors import ConfigError, LictuiError
from lictui.model import (
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Level,
    Server,
    SourceName,
)
from lictui.paths import Paths

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
push = "https://vm.example/insert/0/prometheus/api/v1/write"
engine = "https://vm.example/select/0/prometheus"
engine_username = "lictui"
engine_secret = "env:ENGINE"
engine_headers = ["X-Scope-OrgID: licenses"]
engine_verify = false

[privacy]
users = "hash"

[keymap]
quit = "ctrl+q"
"poll.all" = ["R", "f5"]

[actions.pager]
on = ["usage", "expiry"]
level = "critical"
servers = ["a"]
groups = ["emea"]
command = ["/bin/page", "-x"]
webhook = "https://hooks.example/x"
secret = "file:hook.key"
verify = "ca.pem"
timeout = 5
bell = true
osc9 = true

[actions.other]
bell = true
"""


def write_config(folder: Path, text: str) -> Paths:
    paths = Paths(folder, folder / "data")
    paths.config.write_text(text, encoding="utf-8")
    return paths


def problems(folder: Path, text: str) -> list[tuple[int | None, str, str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_settings(write_config(folder, text))
    assert all(problem.file == folder / "config.toml" for problem in caught.value.problems)
    return [(p.line, p.key, p.message, p.hint) for p in caught.value.problems]


def test_settings_contain_every_key_of_the_file(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, FULL))
    values = {key.name: key.value_in(settings) for key in KEYS}
    for table, keys in tomllib.loads(FULL).items():
        for key, value in keys.items() if isinstance(keys, dict) else [(table, keys)]:
            name = table if key == table else f"{table}.{key}"
            if name in values and name not in ("alerts.repeat", "history.path"):
                assert values[name] == (tuple(value) if isinstance(value, list) else value)
    assert settings.alerts.default.repeat == 1800
    assert settings.retention.path == tmp_path / "past.db"
    assert settings.keymap == {"quit": "ctrl+q", "poll.all": "R,f5"}
    text = '[history]\npush = "http://vm:8428/"\nengine = "http://vm:8428/api/v1"\n'
    text += 'engine_secret = "file:token"\nengine_verify = "ca.pem"'
    long_term = load_settings(write_config(tmp_path, text)).long_term
    assert (long_term.push, long_term.engine) == ("http://vm:8428/api/v1/write", "http://vm:8428")
    assert (long_term.secret, long_term.verify) == (f"file:{tmp_path}/token", f"{tmp_path}/ca.pem")
    assert settings.actions == (
        Action(
            "pager", ("usage", "expiry"), "critical", ("a",), ("emea",), ("/bin/page", "-x"),
            "https://hooks.example/x", f"file:{tmp_path}/hook.key", f"{tmp_path}/ca.pem", 5.0,
            bell=True, osc9=True,
        ),
        Action("other", bell=True),
    )  # fmt: skip


def test_thresholds_of_the_most_specific_scope_apply_key_by_key(tmp_path: Path) -> None:
    alerts = load_settings(write_config(tmp_path, FULL)).alerts
    limits = alerts.thresholds_for(group="emea", server="lic.corp.example", product="XDT_PLT_UD")
    assert (limits.warn, limits.critical, limits.expiry_warn, limits.las_warn) == (
        0.6,
        0.95,
        120,
        5,
    )
    assert alerts.thresholds_for(group="us", server="other") is alerts.default


def test_problems_are_reported_together_with_line_key_and_suggestion(tmp_path: Path) -> None:
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
        ('[alerts]\nwarn = "x"\ncritical = 0.5', 2, "alerts.warn", "must be"),
        ("[alerts]\nwarn = 0.95", 2, "alerts.warn", "warn must be below critical"),
        ("[alerts]\ncritical = 0.8", 2, "alerts.critical", "warn must be below critical"),
        ("[alerts]\nexpiry_critical = 90", 2, "alerts.expiry_critical", "below expiry_warn"),
        ("[alerts]\nclear_margin = 0.8", 2, "alerts.clear_margin", "below warn"),
        ("[alerts.server.a]\nwarn = 0.9", 2, "alerts.server.a.warn", "below critical"),
        ("[polling]\nconnect_timeout = 31", 2, "polling.connect_timeout", "at most timeout"),
        ("[history]\nkeep_day = 100", 2, "history.keep_day", "keep_hour must be at most"),
        ('[history]\npush = "vm:8428"', 2, "history.push", "must be a URL"),
        ('[history]\nengine = "http://vm/?a=b"', 2, "history.engine", "must not have a query"),
        (
            '[history]\nengine = "http://u:p@vm"',
            2,
            "history.engine",
            "must not contain credentials",
        ),
        ("[history]\nengine_secret = 'x'", 2, "history.engine_secret", "not the secret itself"),
        ("[history]\nengine_headers = ['a']", 2, "history.engine_headers", "NAME: VALUE"),
        (
            "[history]\nengine_headers = ['authorization: x']",
            *(2, "history.engine_headers", "NAME: VALUE"),
        ),
        ("[polling]\ninterval = 0.5", 2, "polling.interval", "from 1 to"),
        ("[polling]\ntimeout = nan", 2, "polling.timeout", "from 1 to"),
        (f"[polling]\ntimeout = 1{'0' * 400}", 2, "polling.timeout", "not a huge number"),
        (f"[polling]\nconcurrency = 0x{'f' * 9000}", 2, "polling.concurrency", "from 1 to 1024"),
        (f"[alerts]\nwarn = 1{'0' * 400}", 2, "alerts.warn", "from 0 to 1"),
        ("[polling]\nconcurrency = 1.5", 2, "polling.concurrency", "an integer"),
        ("[polling]\nconcurrency = true", 2, "polling.concurrency", "an integer, not true"),
        ("ascii = 1", 1, "ascii", "must be true or false, not 1"),
        ("timezone = 'Europe/Berln'", 1, "timezone", "unknown time zone"),
        ("timezone = '../etc/passwd'", 1, "timezone", "unknown time zone"),
        ("polling = 5", 1, "polling", "must be a table"),
        ("[alerts]\ngroup = 1", 2, "alerts.group", "a table for each name"),
        ("[alerts]\nwran = 0.8", 2, "alerts.wran", "unknown key"),
        ("[keymap]\nquit = 1", 2, "keymap.quit", "must be a string"),
        ('theme = "\\u001b[31m"', 1, "theme", "U+001B"),
        ('"polling.timeout" = 3', 1, '"polling.timeout"', "unknown key"),
    ],
)
def test_invalid_setting_is_refused(
    tmp_path: Path, text: str, line: int, key: str, words: str
) -> None:
    ((at, name, message, _),) = problems(tmp_path, text)
    assert (at, name) == (line, key)
    assert words in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('on = ["usag"]', "did you mean usage?"),
        ('level = "ok"', "must be one of"),
        ("command = []", "must not be empty"),
        ('command = "rm -rf"', "must be a list"),
        ('webhook = "ftp://x/hunter2"', "must be a URL"),
        ('webhook = "env:hunter2!"', "requires the name of a variable"),
        ('webhook = "https://u:hunter2@x/"', "must not contain credentials"),
        ('secret = "hunter2"', "not the secret itself"),
        ('secret = "env:HOOK"', "requires webhook"),
        ("bel = true", "did you mean bell?"),
        ("timeout = 0", "must be from 1"),
        ("", "has no effect"),
        ("actions.x = 1", "unknown key"),
    ],
)
def test_invalid_action_is_refused_without_repeating_a_secret(
    tmp_path: Path, line: str, words: str
) -> None:
    effect = "" if line in ("", "bel = true") else "\nosc9 = true"
    with pytest.raises(ConfigError) as caught:
        load_settings(write_config(tmp_path, f"[actions.pager]{effect}\n{line}\n"))
    message = str(caught.value)
    assert words in message
    assert "config.toml:" in message
    assert "hunter2" not in message


RAISED = AlertEvent(
    AlertTransition.RAISED,
    0.0,
    AlertState(AlertKey("lic-01", AlertKind.USAGE, "P"), Level.CRITICAL, "m", group="emea"),
)


@pytest.mark.parametrize(
    ("action", "matches"),
    [
        (Action("a"), True),
        (Action("a", on=("usage",)), True),
        (Action("a", on=("expiry",)), False),
        (Action("a", level="critical"), True),
        (Action("a", level="overdraft"), False),
        (Action("a", servers=("lic-01",), groups=("emea",)), True),
        (Action("a", servers=("lic-02",)), False),
        (Action("a", groups=("us",)), False),
    ],
)
def test_action_matches_kind_level_server_and_group(action: Action, *, matches: bool) -> None:
    assert action.matches(RAISED) is matches
    assert not action.matches(replace(RAISED, transition=AlertTransition.BETTER))


def test_webhook_may_be_a_reference_and_is_masked(tmp_path: Path) -> None:
    hook = "[actions.{}]\nwebhook = {}\n"
    text = hook.format("a", '"file:hook.url"') + hook.format("b", '"https://hooks.slack/T/hunter2"')
    paths = write_config(tmp_path, text)
    assert load_settings(paths).actions[0].webhook == f"file:{tmp_path}/hook.url"
    printed = format_settings(effective_settings(paths, {}), origins=True)
    assert 'webhook = "https://hooks.slack/…"' in printed
    assert "hunter2" not in printed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[alerts.server.lic.corp]\nwarn = 0.5",
            'quote a name that contains a dot: [alerts.server."lic.corp"]',
        ),
        ("timezone = 'Europe/Berln'", "did you mean Europe/Berlin?"),
        ("timezone = 'x'", "example: Europe/Berlin"),
        ("[polling]\ntimeout = 'long'", ""),
        ("[alerts]\nwarn = 0.95", "one of them is the default: set both"),
        ("[alerts]\nwarn = 0.9\ncritical = 0.8", ""),
    ],
)
def test_hint_fits_the_invalid_value(tmp_path: Path, text: str, expected: str) -> None:
    ((_, _, _, hint),) = problems(tmp_path, text)
    assert hint == expected


# The template, and the settings that apply

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


def test_template_has_every_key_with_its_default(tmp_path: Path) -> None:
    assert load_settings(write_config(tmp_path, config_template())) == Settings()
    for key in KEYS:
        assert f"\n#{key.name.rpartition('.')[2]} = " in config_template()
    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in config_template().split("\n")
    ]
    settings = load_settings(write_config(tmp_path, "\n".join(lines)))
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
        limits=replace(settings.limits, proxy=None),
        retention=replace(settings.retention, path=None),
        alerts=AlertSettings(settings.alerts.default),
        keymap={},
    )
    assert plain == Settings()


def test_printed_settings_are_the_same_configuration(tmp_path: Path) -> None:
    paths = write_config(tmp_path, WRITTEN)
    before = load_settings(paths)
    for origins in (False, True):
        text = format_settings(effective_settings(paths, {}), origins=origins)
        (tmp_path / "again").mkdir(exist_ok=True)
        assert load_settings(write_config(tmp_path / "again", text)) == before
        assert 'repeat = "90s"' in text
        assert tomllib.loads(text)["polling"]["timeout"] == 20


# The configuration of a running monitor

A = Server("a", SourceName.CVAD, url="https://a", username="u", secret="env:A")
B = Server("b", SourceName.CVAD, url="https://b", username="u", secret="env:B")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def changed(watcher: ConfigWatcher) -> LoadedConfig:
    loaded = watcher.reload_if_changed()
    assert loaded is not None
    assert watcher.reload_if_changed() is None
    return loaded


def test_watcher_reads_changed_files_and_keeps_valid_settings(paths: Paths) -> None:
    watcher = ConfigWatcher(paths)
    assert changed(watcher) == LoadedConfig(Settings(), ())
    save_servers(paths, [A])
    assert changed(watcher).servers == (A,)
    paths.config.write_text("ascii = true")
    loaded = changed(watcher)
    assert loaded.settings.ascii
    assert loaded.servers == (A,)
    paths.config.write_text("ascii = maybe")
    loaded = changed(watcher)
    assert loaded.settings.ascii
    assert [problem.file for problem in loaded.problems] == [paths.config]
    paths.config.write_text("ascii = false # repaired")
    loaded = changed(watcher)
    assert not loaded.settings.ascii
    assert loaded.problems == ()


def test_watcher_keeps_valid_entitlements(paths: Paths) -> None:
    watcher = ConfigWatcher(paths)
    changed(watcher)
    paths.entitlements.write_text("[[product]]\nproduct = 'P'\npurchased = 5\n")
    assert changed(watcher).settings.entitlements == (Entitlement("P", 5),)
    paths.entitlements.write_text("[[product]]\nproduct = 'P'\n")
    loaded = changed(watcher)
    assert loaded.settings.entitlements == (Entitlement("P", 5),)
    assert [problem.message for problem in loaded.problems] == ["is missing"]


def test_watcher_notices_a_replaced_file_of_the_same_size_and_time(paths: Paths) -> None:
    save_servers(paths, [A])
    watcher = ConfigWatcher(paths)
    changed(watcher)
    times = paths.servers.stat()
    save_servers(paths, [B])
    os.utime(paths.servers, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert changed(watcher).servers == (B,)


def test_watcher_keeps_servers_with_a_problem_until_they_are_removed(paths: Paths) -> None:
    save_servers(paths, [A, B])
    watcher = ConfigWatcher(paths)
    changed(watcher)
    text = paths.servers.read_text()
    paths.servers.write_text(text.replace("https://a", "nowhere").replace("https://b", "https://c"))
    loaded = changed(watcher)
    assert [server.url for server in loaded.servers] == ["https://a", "https://c"]
    assert [problem.key for problem in loaded.problems] == ["server[0].url"]
    paths.servers.write_text("[[server]")
    assert len(changed(watcher).servers) == 2
    paths.servers.write_text(text)
    changed(watcher)
    remove_server(paths, "a")
    assert changed(watcher).servers == (B,)
    paths.servers.unlink()
    assert changed(watcher).servers == ()


STATE = {"view": "estate", "sort": "ratio", "filter": 'a[/x] b"'}


@pytest.mark.parametrize("raw", [None, b"view = ", b"\xff\xfe", b"[view]", b"\x00"])
def test_state_is_saved_also_over_a_damaged_file(paths: Paths, raw: bytes | None) -> None:
    if raw is not None:
        paths.state.write_bytes(raw)
    assert load_state(paths) == {}
    save_state(paths, STATE)
    assert load_state(paths) == STATE
    save_state(paths, {"range": "week"})  # of another monitor
    assert load_state(paths) == {**STATE, "range": "week"}
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o600 or raw is not None


def test_state_ignores_invalid_values_and_reports_an_unwritable_folder(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.state.write_text('view = "alerts"\nsort = 5\n[old]\nx = 1\n')
    assert load_state(paths) == {"view": "alerts"}
    (tmp_path / "file").touch()
    with pytest.raises(LictuiError, match=r"state\.toml cannot be written"):
        save_state(Paths(tmp_path, tmp_path / "file"), STATE)
