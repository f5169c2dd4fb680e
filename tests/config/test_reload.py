from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lictui.config.registry import remove_server, save_servers
from lictui.config.reload import ConfigWatcher, LoadedConfig
from lictui.config.settings import Settings
from lictui.model import Server, SourceName
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

import stat
from typing import TYPE_CHECKING

from lictui.config.reload import load_state, save_state
from lictui.errors import LictuiError

if TYPE_CHECKING:
    from pathlib import Path


A = Server("a", SourceName.CVAD, url="https://a", username="u", secret="env:A")
B = Server("b", SourceName.CVAD, url="https://b", username="u", secret="env:B")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def changed(watcher: ConfigWatcher) -> LoadedConfig:
    reload = watcher.reload_if_changed()
    assert reload is not None
    assert watcher.reload_if_changed() is None
    return reload


def test_the_first_look_brings_everything(paths: Paths) -> None:
    assert changed(ConfigWatcher(paths)) == LoadedConfig(Settings(), ())


def test_an_edit_of_either_file_is_picked_up(paths: Paths) -> None:
    watcher = ConfigWatcher(paths)
    changed(watcher)
    save_servers(paths, [A])
    assert changed(watcher).servers == (A,)
    paths.config.write_text("ascii = true")
    reload = changed(watcher)
    assert reload.settings.ascii
    assert reload.servers == (A,)


def test_a_file_of_the_same_size_and_time_that_was_replaced_is_seen(paths: Paths) -> None:
    import os  # noqa: PLC0415 - this test alone sets times

    save_servers(paths, [A])
    watcher = ConfigWatcher(paths)
    changed(watcher)
    times = paths.servers.stat()
    save_servers(paths, [B])
    os.utime(paths.servers, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert changed(watcher).servers == (B,)


def test_settings_with_a_problem_leave_the_last_good_ones(paths: Paths) -> None:
    paths.config.write_text("ascii = true")
    watcher = ConfigWatcher(paths)
    changed(watcher)
    paths.config.write_text("ascii = maybe")
    reload = changed(watcher)
    assert reload.settings.ascii
    assert [problem.file for problem in reload.problems] == [paths.config]
    paths.config.write_text("ascii = false # mended")
    reload = changed(watcher)
    assert not reload.settings.ascii
    assert reload.problems == ()


def test_a_server_with_a_problem_is_kept_as_it_was(paths: Paths) -> None:
    save_servers(paths, [A, B])
    watcher = ConfigWatcher(paths)
    changed(watcher)
    text = paths.servers.read_text()
    paths.servers.write_text(text.replace("https://a", "nowhere").replace("https://b", "https://c"))
    reload = changed(watcher)
    assert [(server.name, server.url) for server in reload.servers] == [
        ("a", "https://a"),
        ("b", "https://c"),
    ]
    assert [problem.key for problem in reload.problems] == ["server[0].url"]


def test_a_registry_that_is_no_toml_leaves_all_servers(paths: Paths) -> None:
    save_servers(paths, [A, B])
    watcher = ConfigWatcher(paths)
    changed(watcher)
    paths.servers.write_text("[[server]")
    reload = changed(watcher)
    assert reload.servers == (A, B)
    assert len(reload.problems) == 1


def test_servers_that_were_removed_are_gone(paths: Paths) -> None:
    save_servers(paths, [A, B])
    watcher = ConfigWatcher(paths)
    changed(watcher)
    remove_server(paths, "a")
    assert changed(watcher).servers == (B,)
    paths.servers.unlink()
    assert changed(watcher).servers == ()


LEFT = {"view": "estate", "sort": "ratio", "filter": 'a[/x] b"'}


def test_what_was_left_is_found(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "data")
    assert load_state(paths) == {}
    save_state(paths, LEFT)
    assert load_state(paths) == LEFT
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o600


@pytest.mark.parametrize("raw", [b"view = ", b"\xff\xfe", b"[view]", b"\x00"])
def test_a_damaged_one_is_as_if_it_were_not_there(tmp_path: Path, raw: bytes) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.state.write_bytes(raw)
    assert load_state(paths) == {}
    save_state(paths, LEFT)
    assert load_state(paths) == LEFT


def test_what_can_be_read_of_it_is_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.state.write_text('view = "alerts"\nsort = 5\n[old]\nx = 1\n')
    assert load_state(paths) == {"view": "alerts"}


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LictuiError, match=r"state\.toml cannot be written"):
        save_state(Paths(tmp_path, tmp_path / "file"), LEFT)
