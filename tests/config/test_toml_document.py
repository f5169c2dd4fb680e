"""TOML files: problems with their line, and the lines of keys."""

import tomllib
from pathlib import Path

import pytest

from lictui.config.toml_document import MAX_BYTES, dotted_key, key_lines, read_toml
from lictui.errors import ConfigError


def problem(file: Path, raw: bytes) -> tuple[int | None, str]:
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        read_toml(file)
    (lines,) = caught.value.problems
    assert lines.file == file
    return lines.line, lines.message


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"a = 1\nb = \nc = 3\n", 2, "invalid TOML: "),
        (b"a = 1\nb = [1,\n\n", 2, "invalid TOML: "),
        (b"a = 1\nb = '\xe4'\n", 2, "not valid UTF-8"),
        (b"a = " + b"[" * 100_000, None, "invalid TOML: nested too deeply"),
        (b"#" * (MAX_BYTES + 1), None, "is larger than 4 MiB"),
        (b"a = 1\nb = 1" + b"0" * 5000 + b"\n", 2, "the number has too many digits"),
    ],
)
def test_unreadable_file_is_reported_with_its_line(
    tmp_path: Path, raw: bytes, line: int | None, words: str
) -> None:
    at, message = problem(tmp_path / "a.toml", raw)
    assert at == line
    assert message.startswith(words)
    assert "line" not in message


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    assert read_toml(tmp_path / "none.toml").data == {}
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    document = read_toml(tmp_path / "a.toml")
    assert document.data == {"a": 1, "b": 2}
    assert document.line(("b",)) == 2


def test_folder_instead_of_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read_toml(tmp_path / "a.toml")


def test_key_without_a_line_has_that_of_its_parent(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("x = 1\nserver = [{ name = 'a' }]\n")
    document = read_toml(tmp_path / "a.toml")
    assert document.line(("server", 0, "name")) == 2
    assert document.line(("nothing",)) is None


def test_dotted_key_is_spelled_as_in_toml() -> None:
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


def test_key_lines_contain_every_key() -> None:
    tomllib.loads(AWKWARD)
    assert key_lines("# only a comment") == {}
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
