"""`lictui history export`, `journal`, `stats` and `compact`."""

import io
import json
import os
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, set_time
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture
from tests.support.clock import START

from lictui.model import Event, EventKind, Level
from lictui.paths import Paths


@pytest.fixture
def recorded(paths: Paths) -> Paths:
    """Two servers with two hours of readings."""
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.poll_series(MIDNIGHT, [1, 2, 3, 4], "lic-01", every=1800)
        fixture.poll_series(MIDNIGHT, [5, 6, 7, 8], "lic-02", every=1800)
    return paths


# lictui history export


@pytest.mark.usefixtures("recorded")
def test_export_of_months_has_its_own_columns(cli: Cli) -> None:
    head = "month,server,product,model,subscription_date,in_use,installed,newly,released\n"
    assert cli("history", "export", "--resolution", "month").out == head


@pytest.mark.usefixtures("recorded")
def test_export_to_a_file_or_to_stdout(tmp_path: Path, cli: Cli) -> None:
    file = tmp_path / "out.csv"
    assert cli("history", "export", "-o", str(file)).out == ""
    assert len(file.read_text().splitlines()) == 9
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "out.csv"]
    assert cli("history", "export", "-o", "-").out == file.read_text()
    assert "cannot write" in cli.refused(
        "history", "export", "-o", str(tmp_path / "nowhere" / "out.csv")
    )


@pytest.mark.usefixtures("recorded")
def test_export_writes_into_pipes_and_replaces_links(tmp_path: Path, cli: Cli) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    cli("history", "export", "-o", str(pipe))
    assert os.read(reader, 1 << 16).startswith(b"at,server,")
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    link = tmp_path / "link.csv"
    for target in (tmp_path / "real.csv", tmp_path / "missing" / "x.csv"):
        (tmp_path / "real.csv").write_text("untouched")
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        cli("history", "export", "-o", str(link))
        assert (tmp_path / "real.csv").read_text() == "untouched"
        assert link.read_bytes().startswith(b"at,server,")
        assert stat.S_IMODE(link.lstat().st_mode) == 0o600


def test_export_to_a_terminal_runs_no_escape_sequence(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.record(MIDNIGHT, {"P\x1b]0;title\x07": 1}, "lic\x9b31m\u202e")
    row = "2026-11-24T00:00:00Z,lic{},P{},user_device,,1,500,50\n"
    assert cli("history", "export").out.endswith(row.format("\x9b31m\u202e", "\x1b]0;title\x07"))
    monkeypatch.setattr("lictui.cli.output._is_terminal", lambda: True)
    escaped = row.format("\\x9b31m\\u202e", "\\x1b]0;title\\x07")
    assert cli("history", "export").out.endswith(escaped)


@pytest.mark.usefixtures("recorded")
def test_export_refuses_an_unknown_server(cli: Cli) -> None:
    printed = cli("history", "export", "--server", "lic-1", code=2)
    assert printed.out == ""
    assert "contains no server 'lic-1'. Did you mean 'lic-01'?" in printed.err


def test_output_has_letters_beyond_the_encoding(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.poll_series(MIDNIGHT, [1], "Zürich 日本")
    for encoding, args, expected in (
        ("iso-8859-1", ("history", "export"), "Zürich 日本".encode()),
        ("iso-8859-1", ("history", "peaks", "--json"), "Zürich 日本".encode()),
        ("iso-8859-1", ("history", "peaks"), b"Z\xfcrich ??"),
        ("ascii", ("history", "peaks"), b"Z?rich ??"),
    ):
        raw = io.BytesIO()
        stdout = io.TextIOWrapper(raw, encoding)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", stdout)
            cli(*args)
        assert expected in raw.getvalue()


@pytest.mark.parametrize(
    "command",
    [
        *("history export", "history journal", "history stats", "history compact"),
        *("history peaks", "history push", "forecast", "report", "renewal", "contract", "alerts"),
        *("alerts ack --server a", "bundle --from 1h -o out"),
    ],
)
def test_commands_create_no_history(paths: Paths, cli: Cli, command: str) -> None:
    assert f"no history database at {paths.history}" in cli.refused(*command.split())
    assert not paths.data_dir.exists()
    assert not Path("out").exists()


# lictui history journal


@pytest.fixture
def events(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, START)
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.add_events(
            Event(START - DAY - 60, EventKind.VERSION, "lic-02", "=version 1 -> 2"),
            Event(START - 9, EventKind.ALERT, "lic-01", "raised", "XDT_PLT_UD", Level.WARN),
        )


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), ["lic-01", "lic-02"]),
        (("--since", "1h"), ["lic-01"]),
        (("--since", "2026-11-24"), ["lic-01"]),
        (("--server", "lic-02"), ["lic-02"]),
        (("--filter", "!raised"), ["lic-02"]),
        (("--since", "2100-01-01"), []),
    ],
)
@pytest.mark.usefixtures("events")
def test_journal_is_newest_first_and_filtered(
    args: tuple[str, ...], expected: list[str], cli: Cli
) -> None:
    document = json.loads(cli("history", "journal", "--format", "json", *args).out)
    assert document["schema"] == "lictui.journal/1"
    assert [event["server"] for event in document["events"]] == expected


@pytest.mark.usefixtures("events")
def test_journal_to_a_file_in_every_format(tmp_path: Path, cli: Cli) -> None:
    starts = {"table": "TIME ", "json": "{", "jsonl": '{"at": ', "csv": "at,", "md": "| Time |"}
    for output_format, start in starts.items():
        file = tmp_path / output_format
        printed = cli("history", "journal", "--format", output_format, "-o", str(file))
        assert file.read_text().startswith(start)
        assert (printed.out, printed.err) == ("", "")


# lictui history stats and compact


def test_stats_as_json_and_as_a_table(recorded: Paths, cli: Cli) -> None:
    statistics = cli.json("history", "stats")
    size = statistics.pop("bytes")
    assert size > 0
    assert isinstance(statistics.pop("schema_version"), int)
    assert statistics == {
        "schema": "lictui.history/1",
        "path": str(recorded.history),
        "journal_mode": "wal",
        "servers": 2,
        "pools": 2,
        "readings": 8,
        "events": 0,
        "first": "2026-11-24T00:00:00Z",
        "last": "2026-11-24T01:30:00Z",
        "bytes_per_reading": size / 8,
    }
    assert "readings           8\n" in cli("history", "stats").out


def test_compact_keeps_all_data(recorded: Paths, cli: Cli) -> None:
    before = cli("history", "export", "--resolution", "day").out
    assert cli("history", "compact").out.startswith(f"{recorded.history}: ")
    assert cli("history", "export", "--resolution", "day").out == before


def test_compact_moves_a_corrupt_database_and_creates_a_new_one(paths: Paths, cli: Cli) -> None:
    with closing(HistoryFixture(paths.history)) as fixture:
        for number in range(50):
            fixture.poll_series(MIDNIGHT, range(100), f"lic-{number}")
        fixture.compact_at(MIDNIGHT + 5 * HOUR)
    content = paths.history.read_bytes()
    half = len(content) // 2
    paths.history.write_bytes(content[:half] + b"\xa5" * (len(content) - half))
    assert "Traceback" not in cli("history", "export", code=2).err
    assert "was corrupt; moved to" in cli("history", "compact").err
    cli("history", "stats")


def test_history_at_another_path(paths: Paths, tmp_path: Path, cli: Cli) -> None:
    database = tmp_path / "other.db"
    with closing(HistoryFixture(database)) as fixture:
        fixture.record(MIDNIGHT, 5)
    paths.config_dir.mkdir()
    paths.config.write_text(f'[history]\npath = "{database}"\n')
    assert str(database) in cli("history", "stats").out
