from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from lictui.model import Step, StepResult
from lictui.tui.screens.server_form import step_lines
from lictui.tui.text import line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

PIN = "4f" * 32
FOUND = (
    StepResult(Step.RESOLVE, ok=True, detail="10.1.0.7", seconds=0.002),
    StepResult(Step.CONNECT, ok=True, detail="10.1.0.7:5986", seconds=0.011),
    StepResult(
        Step.TLS, ok=False, detail="self-signed", seconds=0.031, hint="pin it", fingerprint=PIN
    ),
)


def texts(findings: Sequence[StepResult], columns: int = 80, *, running: bool = False) -> list[str]:
    found = step_lines(findings, columns, UNICODE_SYMBOLS, running=running)
    return ["".join(text for text, _ in line) for line in found]


def test_each_step_says_what_it_found_and_how_long_it_took() -> None:
    assert texts(FOUND[:2]) == [
        "✔ resolve       2 ms  10.1.0.7",
        "✔ connect      11 ms  10.1.0.7:5986",
    ]


def test_the_step_under_way_is_named_until_the_last_one_has_ended() -> None:
    assert texts(FOUND[:1], running=True)[-1] == "… connect"
    assert texts((), running=True) == ["… resolve"]


def test_a_failure_shows_the_certificate_and_what_to_do() -> None:
    said = [line.strip() for line in texts(FOUND, 120)]
    assert said[2] == "✖ tls          31 ms  self-signed"
    assert said[3:] == [f"sha256:{PIN}", "→ pin it"]


def test_a_fingerprint_that_the_detail_tells_is_not_repeated() -> None:
    spelled = ":".join(PIN[i : i + 2] for i in range(0, 64, 2)).upper()
    told = StepResult(Step.TLS, ok=True, detail=f"CN=X {spelled}", seconds=0, fingerprint=PIN)
    assert "sha256" not in "".join(texts([told], 200))


@given(
    st.lists(
        st.builds(
            StepResult,
            st.sampled_from(Step),
            st.booleans(),
            st.text(max_size=200),
            st.floats(0, 100),
            st.text(max_size=100),
        ),
        max_size=6,
    ),
    st.integers(30, 120),
    st.sampled_from([UNICODE_SYMBOLS, ASCII_SYMBOLS]),
)
def test_no_line_is_wider_than_the_panel(
    findings: list[StepResult], columns: int, symbols: object
) -> None:
    chosen = ASCII_SYMBOLS if symbols is ASCII_SYMBOLS else UNICODE_SYMBOLS
    narrow = [f for f in findings if f.detail.isascii() and f.hint.isascii()]
    assert all(line_width(line) <= columns for line in step_lines(narrow, columns, chosen))
