from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lictui.config.toml_document import MAX_BYTES, dotted_key, read_toml
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from lictui.config.toml_document import KeyPath, key_lines


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
    assert message.startswith("invalid TOML: ")
    assert "line" not in message


def test_an_error_at_the_end_is_on_the_last_line(tmp_path: Path) -> None:
    line, _ = problem(tmp_path / "a.toml", b"a = 1\nb = [1,\n\n")
    assert line == 2


def test_other_encodings_are_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "a.toml", b"a = 1\nb = '\xe4'\n") == (2, "not valid UTF-8")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    document = read_toml(tmp_path / "a.toml")
    assert document.data == {"a": 1, "b": 2}
    assert document.line(("b",)) == 2


def test_too_deep_and_too_large_are_said(tmp_path: Path) -> None:
    _, message = problem(tmp_path / "a.toml", b"a = " + b"[" * 100_000)
    assert message == "invalid TOML: nested too deeply"
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


AWKWARD = '''\
# a comment with [brackets] and = signs
theme = "a # no comment" # [x]
"quoted key" = 1
polling.timeout = 5

[alerts] # header
warn = 0.8
text = """
[not.a.header]
key = 1
\\""" still inside
"""
literal = \'\'\'
[[server]]
\'\'\'
list = [
  "a", # ] not the end
  [1, 2],
  { deep = "}" },
]
inline = { one = 1, two = { three = "]" } }

[alerts.server."lic.corp.example"]
warn = 0.5

[[server]]
name = "one"

  [[ server ]]
  name = 'two'
[server.nested]
key = 1
'''


def test_finds_every_key_of_an_awkward_file() -> None:
    tomllib.loads(AWKWARD)
    assert key_lines(AWKWARD) == {
        ("theme",): 2,
        ("quoted key",): 3,
        ("polling",): 4,
        ("polling", "timeout"): 4,
        ("alerts",): 6,
        ("alerts", "warn"): 7,
        ("alerts", "text"): 8,
        ("alerts", "literal"): 13,
        ("alerts", "list"): 16,
        ("alerts", "inline"): 21,
        ("alerts", "server"): 23,
        ("alerts", "server", "lic.corp.example"): 23,
        ("alerts", "server", "lic.corp.example", "warn"): 24,
        ("server",): 26,
        ("server", 0): 26,
        ("server", 0, "name"): 27,
        ("server", 1): 29,
        ("server", 1, "name"): 30,
        ("server", 1, "nested"): 31,
        ("server", 1, "nested", "key"): 32,
    }


def test_an_empty_text_has_no_keys() -> None:
    assert key_lines("") == {}
    assert key_lines("# only a comment") == {}


SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=9))
TABLES = st.recursive(
    st.dictionaries(st.text(max_size=6), SCALARS, max_size=3),
    lambda inner: st.dictionaries(
        st.text(max_size=6),
        st.one_of(SCALARS, inner, st.lists(inner, min_size=1, max_size=3)),
        max_size=3,
    ),
    max_leaves=8,
)


def _scalars(data: Any, path: KeyPath = ()) -> list[KeyPath]:
    if isinstance(data, dict):
        return [found for key, value in data.items() for found in _scalars(value, (*path, key))]
    if isinstance(data, list):
        return [found for at, each in enumerate(data) for found in _scalars(each, (*path, at))]
    return [path]


@given(TABLES, st.booleans())
def test_a_line_that_is_found_holds_its_key(data: dict[str, Any], multiline: bool) -> None:  # noqa: FBT001 - hypothesis hands it over
    text = tomli_w.dumps(data, multiline_strings=multiline)
    found = key_lines(text)
    for path in _scalars(tomllib.loads(text)):
        if path not in found:
            assert any(path[:length] in found for length in range(1, len(path)))  # inline table
            continue
        spelled = tomli_w.dumps({str(path[-1]): 0}).rpartition("0")[0]
        assert text.split("\n")[found[path] - 1].startswith(spelled)
