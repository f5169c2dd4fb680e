"""The file: private, brought up to date, set aside when damaged, refused when it is not ours."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture
from tests.support.clock import FakeClock
from tests.support.values import poll, server

from lictui.config.settings import Retention
from lictui.history import database
from lictui.history.csv_export import ExportQuery
from lictui.history.database import check_and_set_aside, is_network_path
from lictui.history.errors import HistoryError
from lictui.history.store import History


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A history with some megabytes of past: the content of its file."""
    path = tmp_path_factory.mktemp("past") / "history.db"
    fixture = HistoryFixture(path)
    for hour in range(48):
        names = [f"lic-{number:03}" for number in range(60)]
        for name in names:
            fixture.poll_series(MIDNIGHT + hour * HOUR, [hour, hour + 1, hour + 2], name, every=900)
        fixture.compact_at(MIDNIGHT + hour * HOUR)
    fixture.close()
    return path.read_bytes()


def test_database_is_private_in_a_private_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data" / "history.db"
    fixture = HistoryFixture(path)
    fixture.record(MIDNIGHT, 5)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"history.db": 0o600, "history.db-wal": 0o600, "history.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert fixture.history.journal_mode == "wal"
    assert fixture.history.notices == ()
    fixture.close()


@pytest.mark.parametrize("damage", ["garbage", "header", "truncated", "nonsense inside"])
def test_corrupt_database_is_moved_and_recreated(tmp_path: Path, past: bytes, damage: str) -> None:
    path = tmp_path / "history.db"
    match damage:
        case "garbage":
            path.write_bytes(b"this is not a database at all\n" * 500)
        case "header":
            path.write_bytes(b"\0" * 100 + past[100:])
        case "truncated":
            path.write_bytes(past[: len(past) // 2])
        case "nonsense inside":
            path.write_bytes(past[:4096] + b"\xff" * 8192)
    damaged = path.read_bytes()
    fixture = HistoryFixture(path)
    (notice,) = fixture.history.notices
    assert "history.db.damaged-20261124T060000Z" in notice
    assert (tmp_path / "history.db.damaged-20261124T060000Z").read_bytes() == damaged
    fixture.record(MIDNIGHT, 5)
    assert fixture.readings() == [(MIDNIGHT, 5)]
    fixture.close()
    with closing(HistoryFixture(path)) as again:
        assert again.history.notices == ()


def test_corruption_found_later_is_an_error_with_a_hint(tmp_path: Path, past: bytes) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(past)
    assert check_and_set_aside(path, MIDNIGHT) is None
    third = len(past) // 3
    path.write_bytes(past[:third] + b"\xa5" * (len(past) - third))
    with closing(HistoryFixture(path)) as fixture, pytest.raises(HistoryError) as raised:
        fixture.export()
    assert "is corrupt" in raised.value.message
    assert "lictui history compact" in raised.value.hint
    assert check_and_set_aside(path, MIDNIGHT) == tmp_path / "history.db.damaged-20261124T000000Z"
    with closing(HistoryFixture(path)) as fixture:
        assert fixture.history.stats().pools == 0


def test_moved_databases_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    for nonsense in (b"first" * 99, b"second" * 99):
        path.write_bytes(nonsense)
        HistoryFixture(path).close()
    kept = {each.read_bytes() for each in tmp_path.glob("*.damaged-*")}
    assert kept == {b"first" * 99, b"second" * 99}


def test_invalid_block_counts_as_corruption(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [1, 2, 3])
    fixture.compact_at(MIDNIGHT + DAY)
    fixture.history._db.execute("UPDATE block SET body = x'00'")
    with pytest.raises(HistoryError, match="is corrupt"):
        fixture.series(MIDNIGHT, MIDNIGHT + DAY, 300)
    assert check_and_set_aside(fixture.path, MIDNIGHT) is not None


def test_failed_schema_creation_leaves_the_file_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.db"
    broken = (*database.SCHEMA, "CREATE TABLE more(x)", "CREATE TABLE more(x)")
    monkeypatch.setattr(database, "SCHEMA", broken)
    with pytest.raises(HistoryError):
        HistoryFixture(path)
    monkeypatch.undo()
    with closing(HistoryFixture(path)) as fixture:
        fixture.record(MIDNIGHT, 5)
        assert fixture.readings() == [(MIDNIGHT, 5)]


def test_newer_schema_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as fixture:
        fixture.record(MIDNIGHT, 5)
        fixture.history._db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(HistoryError) as raised:
        HistoryFixture(path)
    assert "has schema 99" in raised.value.message
    assert "update lictui" in raised.value.hint
    assert path.read_bytes() == before


def test_database_of_another_program_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks(url)")
    before = path.read_bytes()
    assert check_and_set_aside(path, MIDNIGHT) is None
    with pytest.raises(HistoryError, match="not a lictui database"):
        HistoryFixture(path)
    assert path.read_bytes() == before


def test_folder_that_cannot_be_created_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(HistoryError) as raised:
        HistoryFixture(tmp_path / "file" / "history.db")
    assert "cannot be written" in raised.value.message
    assert "[history] path" in raised.value.hint


def files(path: Path) -> dict[str, tuple[int, int]]:
    """The files next to the history, with size and time of the last change."""
    stats = {file.name: file.stat() for file in path.parent.iterdir()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}


def test_history_that_is_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as fixture:
        fixture.poll_series(MIDNIGHT, [5, 6])
    before = files(path)
    with History(path, Retention(), FakeClock(), read_only=True) as history:
        assert history.stats().readings == 2
        with pytest.raises(HistoryError, match="cannot be written"):
            history.append(server(), poll(at=MIDNIGHT + 120))
        assert not history.is_replaced()
        assert files(path) == before
        with closing(HistoryFixture(path)) as fixture:
            fixture.poll_series(MIDNIGHT + 120, [7])
            assert history.is_replaced()  # to be opened again, for now somebody writes
            with History(path, Retention(), FakeClock(), read_only=True) as again:
                fixture.poll_series(MIDNIGHT + 180, [8])
                assert again.stats().readings == 4
                assert not again.is_replaced()


def test_history_that_may_not_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as fixture:
        fixture.record(MIDNIGHT, 5)

    def deny(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", deny)
    with closing(HistoryFixture(path)) as fixture:
        assert fixture.history.notices == (
            f"the history {path} cannot be written: Permission denied",
        )
        assert fixture.readings() == [(MIDNIGHT, 5)]
        with pytest.raises(HistoryError, match="cannot be written"):
            fixture.record(MIDNIGHT + 60, 6)
    with pytest.raises(HistoryError, match="cannot be written: Permission denied"):
        HistoryFixture(tmp_path / "none.db")
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        History(tmp_path / "none.db", Retention(), FakeClock(), read_only=True)


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_file_that_is_gone_is_noticed_and_opened_again(tmp_path: Path, how: str) -> None:
    path, backup = tmp_path / "history.db", tmp_path / "backup.db"
    with closing(HistoryFixture(backup)) as fixture:
        fixture.record(MIDNIGHT - DAY, 1)
    with closing(HistoryFixture(path)) as fixture:
        fixture.poll_series(MIDNIGHT, [5, 6])
        assert not fixture.history.is_replaced()
        match how:
            case "deleted":
                path.unlink()
            case "moved":
                path.rename(tmp_path / "old.db")
            case "replaced":
                backup.rename(path)
        assert fixture.history.is_replaced()
    with closing(HistoryFixture(path)) as fixture:
        fixture.record(MIDNIGHT, 7)
        kept = [(MIDNIGHT - DAY, 1)] if how == "replaced" else []
        assert fixture.readings() == [*kept, (MIDNIGHT, 7)]
        assert fixture.history.notices == ()
        assert not fixture.history.is_replaced()
    if how == "moved":
        with closing(HistoryFixture(tmp_path / "old.db")) as fixture:
            assert fixture.readings() == [(MIDNIGHT, 5), (MIDNIGHT + 60, 6)]


def test_network_file_system_uses_the_rollback_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as fixture:
        fixture.record(MIDNIGHT, 5)
    monkeypatch.setattr(database, "is_network_path", lambda _path: True)
    with closing(HistoryFixture(path)) as fixture:
        assert fixture.history.journal_mode == "delete"
        assert "rollback journal" in fixture.history.notices[0]
        assert fixture.history._db.execute("PRAGMA synchronous").fetchone() == (2,)
        fixture.record(MIDNIGHT + 60, 5)
        assert fixture.readings() == [(MIDNIGHT, 5), (MIDNIGHT + 60, 5)]
        assert not path.with_name("history.db-wal").exists()


def test_full_disk_is_reported_and_loses_nothing(fixture: HistoryFixture) -> None:
    fixture.record(MIDNIGHT, 5)
    ((pages,),) = fixture.history._db.execute("PRAGMA page_count").fetchall()
    fixture.history._db.execute(f"PRAGMA max_page_count = {pages}")
    many = [(server(f"s{n}"), poll(name=f"s{n}", at=MIDNIGHT), ()) for n in range(2000)]
    with pytest.raises(HistoryError, match="disk full"):
        fixture.history.append_many(many)
    assert fixture.readings() == [(MIDNIGHT, 5)]
    fixture.history._db.execute("PRAGMA max_page_count = 1000000")
    fixture.history.append_many(many)
    assert len(fixture.readings()) == 2001


def test_locked_database_is_reported_and_works_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT", 0.01)
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as fixture, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="is locked by another program"):
            fixture.record(MIDNIGHT, 5)
        other.execute("ROLLBACK")
        fixture.record(MIDNIGHT, 6)
        assert fixture.readings() == [(MIDNIGHT, 6)]


def test_readers_and_writers_do_not_block_each_other(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as writer, closing(HistoryFixture(path)) as reader:
        writer.poll_series(MIDNIGHT, [5, 6])
        rows = reader.history.export_rows(ExportQuery())
        next(rows)
        writer.poll_series(MIDNIGHT + 120, [7])
        assert len(list(rows)) >= 2
        assert reader.readings() == [(MIDNIGHT, 5), (MIDNIGHT + 60, 6), (MIDNIGHT + 120, 7)]


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(HistoryFixture(path)) as one, closing(HistoryFixture(path)) as other:
        for turn in range(400):
            writer = (one, other)[turn % 2]
            writer.poll_series(MIDNIGHT + turn * 60, [turn // 7])
            if turn % 90 == 0:
                writer.compact_at(MIDNIGHT + turn * 60)
        expected = [(MIDNIGHT + turn * 60, turn // 7) for turn in range(400)]
        assert one.readings() == other.readings() == expected


MOUNTS = """\
proc /proc proc rw 0 0
filer:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/local xfs rw 0 0
//nas/share /mnt/the\\040share cifs rw 0 0
autofs /net autofs rw 0 0
filer:/net /net nfs rw 0 0
/dev/sda1 / ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/lictui/history.db", False),
        ("/home/ada/history.db", True),
        ("/home/local/ada/history.db", False),
        ("/homestead/history.db", False),
        ("/mnt/the share/history.db", True),
        ("/net/history.db", True),
    ],
)
def test_network_path_is_decided_by_the_nearest_mount(
    tmp_path: Path, path: str, *, expected: bool
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert is_network_path(Path(path), mounts) is expected


def test_path_is_local_where_mounts_are_unknown(tmp_path: Path) -> None:
    assert is_network_path(Path("/home/ada/history.db"), tmp_path / "missing") is False
