from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.command.conftest import failure_of, outcome

from lictui.model import Failure, FailureKind
from lictui.sources.command.powershell import MAX_OBJECTS, parse_objects

ONE = {"a": 1}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", []),
        ("null", []),
        ("[]", []),
        (" [ ]\r\n", []),
        ("[null]", []),
        ('{"A":1}', [ONE]),
        ('[{"A":1},{"a":"2"}]', [ONE, {"a": "2"}]),
        ('{"value":[{"A":1},{"A":1}],"Count":2}', [ONE, ONE]),
        ('[[{"A":1}]]', [ONE]),
        ('{"A":1}\n{"A":1}\n', [ONE, ONE]),
        ('WARNING: [x] is {old}\nVERBOSE: System.Object[]\n[{"A":1}]\nbye', [ONE]),
        ('\x1b[2J\x1b[H{"A":1}', [ONE]),
        ('#< CLIXML\n<Objs>[{"no":1}]</Objs>[{"A":1}]', [ONE]),
        ('{"A":{"value":1,"DisplayHint":2}}', [ONE]),
        ('{"A":{"value":1,"Value":"One"}}', [ONE]),
        ('{"A":99999999999999999999}', [{"a": None}]),
        ('{"A":NaN}', [{"a": None}]),
    ],
)
def test_every_habit_is_read(said: str, found: list[dict[str, object]]) -> None:
    assert parse_objects(said, "ps") == found


@pytest.mark.parametrize(
    "said", ['[\n{"a":1},\n{"a":', '{"a"', "Add-PSSnapin : no [Object[]]", "{" * 9 + '"', "<html>"]
)
def test_what_is_cut_off_or_no_json_is_not_believed(said: str) -> None:
    failure = failure_of(partial(parse_objects, said, "ps"))
    assert failure.kind is FailureKind.PARSE
    assert failure.hint


def test_depth_and_number_are_bounded() -> None:
    deep = failure_of(partial(parse_objects, '[{"a":' * 100_000, "ps"))
    assert deep.kind is FailureKind.PARSE
    many = failure_of(partial(parse_objects, json.dumps([ONE] * (MAX_OBJECTS + 1)), "ps"))
    assert many.kind is FailureKind.TOO_LARGE


@given(st.text(alphabet=st.sampled_from('[]{}":,a1\n \\<#null'), max_size=60))
def test_any_text_is_objects_or_a_failure(said: str) -> None:
    found = outcome(partial(parse_objects, said, "ps"))
    if isinstance(found, Failure):
        assert found.kind is FailureKind.PARSE
    else:
        assert all(isinstance(each, dict) for each in found)


def test_endless_streams_and_documents_cost_no_time() -> None:
    assert parse_objects("#< CLIXML " * 200_000 + '</Objs>{"a":1}', "ps") == [ONE]
    many = failure_of(partial(parse_objects, "[]\n" * 1_000_000, "ps"))
    assert many.kind is FailureKind.TOO_LARGE
