"""One list of columns in every format, and the option -o."""

import io
import json
import stat
from contextlib import suppress
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.cli.output import Column, Kind, emit, open_binary, open_text, rounded
from lictui.errors import UsageError

COLUMNS = (
    Column("server", "SERVER"),
    Column("model", "MODEL", Kind.MODEL),
    Column("installed", "INSTALLED", Kind.NUMBER),
    Column("average", "AVERAGE", Kind.NUMBER),
    Column("ratio", "RATIO", Kind.RATIO),
    Column("counted", "COUNTED"),
    Column("at", "AT", Kind.TIME),
    Column("note"),
)
KNOWN: dict[str, Any] = {
    "server": "a|b",
    "model": "user_device",
    "installed": 12345,
    "average": 0.5,
    "ratio": 0.8244,
    "counted": True,
    "at": "2026-11-24T06:00:00Z",
    "note": "=1+1",
}
UNKNOWN: dict[str, Any] = dict.fromkeys(KNOWN) | {"server": "c", "counted": False, "note": ""}
NUMBERS = "one two three four five six seven eight".split()
ROWS = [KNOWN, UNKNOWN, {"server": ""}]


def printed(output_format: str, rows: list[dict[str, Any]] = ROWS, **options: Any) -> str:
    out = io.StringIO()
    document = {"schema": "s/1", "at": "2026-01-01T00:00:00Z", "rows": iter(rows)}
    zone = timezone(timedelta(hours=1))
    emit(
        rows, COLUMNS, output_format, document=document, records="rows", zone=zone, out=out,
        **options,
    )  # fmt: skip
    return out.getvalue()


def test_table_shows_words_and_numbers_for_people() -> None:
    assert (
        printed("table")
        == """\
SERVER  MODEL        INSTALLED  AVERAGE  RATIO  COUNTED  AT
a|b     user/device     12,345      0.5   82 %  yes      2026-11-24 07:00
c       ?                    ?        ?      ?  no       ?
-
"""
    )


def test_table_counts_the_cells_that_letters_have_in_a_terminal() -> None:
    rows = [KNOWN | {"server": "東京", "model": "concurrent"}, KNOWN | {"server": "abcdef"}]
    _, wide, narrow = printed("table", rows).splitlines()
    assert wide.startswith("東京    concurrent ")
    assert narrow.startswith("abcdef  user/device ")


@pytest.mark.parametrize(
    ("width", "titles", "sentence"),
    [
        (60, "SERVER LEVEL MESSAGE", ["one two three four five six seven eight"]),
        (48, "SERVER LEVEL MESSAGE", ["one two three four five six", "seven eight"]),
        (46, "SERVER MESSAGE", ["one two three four five six seven", "eight"]),
        (20, "SERVER MESSAGE", ["one two three four five six", "seven eight"]),
    ],
)
def test_sentence_is_broken_between_words_where_a_terminal_is_too_narrow(
    monkeypatch: pytest.MonkeyPatch, width: int, titles: str, sentence: list[str]
) -> None:
    monkeypatch.setattr("lictui.cli.output._is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    columns = (
        Column("server", "SERVER"),
        Column("level", "LEVEL", detail=1),
        Column("message", "MESSAGE", Kind.PROSE),
    )
    row = {"server": "lic-01", "level": "critical", "message": " ".join(NUMBERS)}
    out = io.StringIO()
    emit([row], columns, "table", document={}, out=out)
    head, first, *more = out.getvalue().splitlines()
    assert head.split() == titles.split()
    start = head.index("MESSAGE")
    assert [first[start:], *(line[start:] for line in more)] == sentence
    assert not any(line[:start].strip() for line in more)


def test_sentence_keeps_names_with_hyphens_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictui.cli.output._is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    out = io.StringIO()
    row = {"message": "no complete response from lic-emea-01"}
    emit([row], [Column("message", "MESSAGE", Kind.PROSE)], "table", document={}, out=out)
    assert out.getvalue().splitlines()[1:] == ["no complete response from", "lic-emea-01"]


def test_markdown_shows_the_same_cells() -> None:
    assert (
        printed("markdown")
        == """\
| Server | Model | Installed | Average | Ratio | Counted | At |
| --- | --- | ---: | ---: | ---: | --- | --- |
| a\\|b | user/device | 12,345 | 0.5 | 82 % | yes | 2026-11-24 07:00 |
| c | ? | ? | ? | ? | no | ? |
| - |  |  |  |  |  |  |
"""
    )


def test_csv_has_plain_values_and_escaped_text() -> None:
    assert (
        printed("csv")
        == """\
server,model,installed,average,ratio,counted,at,note
a|b,user_device,12345,0.5,0.8244,yes,2026-11-24T06:00:00Z,'=1+1
c,,,,,no,,
,,,,,,,
"""
    )


def test_json_is_the_document_and_json_lines_its_records() -> None:
    document = json.loads(printed("json", [KNOWN]))
    assert document == {"schema": "s/1", "at": "2026-01-01T00:00:00Z", "rows": [KNOWN]}
    lines = [json.loads(line) for line in printed("jsonl").splitlines()]
    assert lines == [{"at": "2026-01-01T00:00:00Z", **row} for row in ROWS]


def test_table_without_rows_leaves_stdout_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("table", [], empty="Nothing.") == ""
    assert capsys.readouterr() == ("", "Nothing.\n")
    assert printed("csv", [], empty="Nothing.").count("\n") == 1
    assert json.loads(printed("json", [], empty="Nothing."))["rows"] == []


def test_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("old")
    with suppress(RuntimeError), open_text(str(file)) as out:
        out.write("half")
        raise RuntimeError
    assert file.read_text() == "old"
    with open_text(str(file)) as out:
        out.write("ü\n")
        assert file.read_text() == "old"
    assert file.read_bytes() == b"\xc3\xbc\n"
    assert list(tmp_path.iterdir()) == [file]
    bystander = file.with_name("out.part")  # of another program
    bystander.write_text("untouched")
    with open_binary(str(file)) as binary:
        binary.write(b"new")
    assert (file.read_bytes(), bystander.read_text()) == (b"new", "untouched")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="cannot write"), open_binary(str(tmp_path / "no" / "out")):
        pass


@given(st.floats(0, 2), st.sampled_from((0.8, 0.9, 1.0)))
def test_rounded_ratio_is_on_the_same_side_of_its_limit(ratio: float, limit: float) -> None:
    result = rounded(ratio, limits=(limit,))
    assert result is not None
    assert (result >= limit) == (ratio >= limit)
    assert rounded(0.79996, limits=(0.8, 0.9)) == 0.79996
    assert rounded(0.777777, limits=(0.8, 0.9)) == 0.7778
