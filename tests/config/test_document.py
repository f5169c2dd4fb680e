from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lictui.config.toml_document import MAX_BYTES, dotted_key, read_toml
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def problem(file: Path, raw: bytes) -> tuple[int | None, str]:
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        read_toml(file)
    (found,) = caught.value.problems
    assert found.file == file
    return found.line, found.message


def test_no_file_is_an_empty_document(tmp_path: Path) -> None:
    assert read_toml(tmp_path / "none.toml").data == {}


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    line, message = problem(tmp_path / "a.toml", b"a = 1\nb = \nc = 3\n")
    assert line == 2
    assert message.startswith("no TOML: ")
    assert "line" not in message


def test_an_error_at_the_end_is_on_the_last_line(tmp_path: Path) -> None:
    line, _ = problem(tmp_path / "a.toml", b"a = 1\nb = [1,\n\n")
    assert line == 2


def test_other_encodings_are_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "a.toml", b"a = 1\nb = '\xe4'\n") == (2, "is not UTF-8")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    document = read_toml(tmp_path / "a.toml")
    assert document.data == {"a": 1, "b": 2}
    assert document.line(("b",)) == 2


def test_too_deep_and_too_large_are_said(tmp_path: Path) -> None:
    _, message = problem(tmp_path / "a.toml", b"a = " + b"[" * 100_000)
    assert message == "no TOML: nested too deeply"
    _, message = problem(tmp_path / "a.toml", b"#" * (MAX_BYTES + 1))
    assert message == "is larger than 4 MiB"


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read_toml(tmp_path / "a.toml")


def test_a_key_without_a_line_of_its_own_is_on_that_of_its_parent(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("x = 1\nserver = [{ name = 'a' }]\n")
    document = read_toml(tmp_path / "a.toml")
    assert document.line(("server", 0, "name")) == 2
    assert document.line(("nothing",)) is None


def test_paths_are_spelled_as_the_file_would() -> None:
    assert dotted_key(("server", 2, "url")) == "server[2].url"
    assert dotted_key(("alerts", "server", "lic.corp", "warn")) == 'alerts.server."lic.corp".warn'
    assert dotted_key(('q"', "\x1b")) == '"q\\"".' + '"\\u001B"'
