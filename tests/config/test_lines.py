from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from lictui.config.toml_document import KeyPath, key_lines

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
