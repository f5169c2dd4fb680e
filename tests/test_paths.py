import os
import stat
from pathlib import Path

import pytest

from lictui.paths import Paths, resolve_paths, split_command, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_written_file_is_private_in_a_private_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "file"
    write_private(file, b"one")
    assert (mode(file), mode(tmp_path / "a"), file.read_bytes()) == (0o600, 0o700, b"one")
    file.chmod(0o644)
    (tmp_path / "a").chmod(0o755)
    write_private(file, b"two")
    assert (mode(file), mode(tmp_path / "a"), file.read_bytes()) == (0o600, 0o755, b"two")


def test_written_file_keeps_its_readers_if_asked(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for before, after in ((0o777, 0o644), (0o640, 0o640), (0o600, 0o600)):
        write_private(file, b"one", keep_readers=True)
        file.chmod(before)
        write_private(file, b"two", keep_readers=True)
        assert mode(file) == after


def test_failed_write_keeps_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_private(file, b"one")

    def fail(_self: Path, _target: Path) -> Path:
        raise OSError("disk on fire")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk on fire"):
        write_private(file, b"two")
    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


def test_write_private_keeps_a_symbolic_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "file", tmp_path / "link"
    link.symlink_to(real)
    write_private(link, b"one")
    assert link.is_symlink()
    assert real.read_bytes() == b"one"


def test_resolve_paths_uses_given_folders_else_those_of_the_platform(tmp_path: Path) -> None:
    assert resolve_paths(tmp_path / "c", tmp_path / "d") == Paths(tmp_path / "c", tmp_path / "d")
    paths = resolve_paths(data_dir=tmp_path)
    assert paths.config_dir.name == "lictui"
    assert paths.history == tmp_path / "history.db"
    assert not (tmp_path / "history.db").exists()


def test_backslash_in_a_command_is_a_part_of_a_path_on_windows_only() -> None:
    command = r'C:\Tools\secret.exe "two words"'
    assert split_command(command) == ("C:Toolssecret.exe", "two words")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.name", "nt")
        words = split_command(command)
    assert words == (r"C:\Tools\secret.exe", "two words")


def test_folders_of_a_service_are_used_unless_they_are_those_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CONFIGURATION", "STATE", "LOGS"):
        monkeypatch.setenv(f"{name}_DIRECTORY", f"/srv/{name.lower()}:/srv/other")
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid()))
    paths = resolve_paths()
    assert (paths.config, paths.history, paths.log) == (
        Path("/srv/configuration/config.toml"),
        Path("/srv/state/history.db"),
        Path("/srv/logs/lictui.log"),
    )
    assert resolve_paths(data_dir=Path("/d")).log == Path("/d/lictui.log")
    monkeypatch.setenv("SYSTEMD_EXEC_PID", "1")  # of an agent that runs `lictui check`
    assert Path("/srv") not in {*resolve_paths().log.parents, *resolve_paths().config.parents}
