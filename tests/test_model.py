import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.model import (
    Failure,
    FailureKind,
    Level,
    Reading,
    State,
    percent_text,
    sum_all_known,
    sum_known,
)

COUNTS = st.none() | st.integers(0, 10_000)
READINGS = st.builds(Reading, COUNTS, COUNTS, COUNTS)


@pytest.mark.parametrize(
    ("in_use", "installed", "overdraft", "level"),
    [
        (79, 100, 10, Level.OK),
        (80, 100, 10, Level.WARN),
        (90, 100, 10, Level.CRITICAL),
        (100, 100, 10, Level.CRITICAL),
        (101, 100, 10, Level.OVERDRAFT),
        (110, 100, 10, Level.EXHAUSTED),
        (100, 100, 0, Level.EXHAUSTED),
        (100, 100, None, Level.EXHAUSTED),
        (150, 100, 10, Level.EXHAUSTED),
        (0, 0, 0, Level.OK),
        (1, 0, None, Level.EXHAUSTED),
        (None, 100, 0, Level.UNKNOWN),
        (5, None, 0, Level.UNKNOWN),
        (None, None, None, Level.UNKNOWN),
    ],
)
def test_level_is_the_highest_that_applies(
    in_use: int | None, installed: int | None, overdraft: int | None, level: Level
) -> None:
    assert Reading(in_use, installed, overdraft).level(0.8, 0.9) is level


@pytest.mark.parametrize(
    ("reading", "free", "ratio", "total"),
    [
        (Reading(90, 80, 8), -10, 1.125, 88),  # never clamped
        (Reading(5), None, None, None),
        (Reading(5, 0), -5, None, 0),
        (Reading(None, 10), None, None, 10),
    ],
)
def test_figures_of_an_unknown_value_are_unknown(
    reading: Reading, free: int | None, ratio: float | None, total: int | None
) -> None:
    assert (reading.free, reading.ratio, reading.total) == (free, ratio, total)


@given(READINGS, st.integers(1, 100))
def test_level_never_falls_with_rising_use(reading: Reading, more: int) -> None:
    if reading.in_use is None or reading.installed is None:
        return
    rising = list(Level)
    before = reading.level(0.8, 0.9)
    after = Reading(reading.in_use + more, reading.installed, reading.overdraft).level(0.8, 0.9)
    assert rising.index(after) >= rising.index(before)


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ("timeout refused dns unavailable rate_limited", State.DOWN),
        ("auth forbidden", State.DENIED),
        ("tls", State.UNTRUSTED),
        ("no_data", State.NO_DATA),
        ("parse protocol too_large command config", State.ERROR),
    ],
)
def test_failure_kind_decides_the_state_of_the_server(kinds: str, state: State) -> None:
    assert {Failure(FailureKind(kind), "").state for kind in kinds.split()} == {state}


@given(st.lists(COUNTS))
def test_sums_agree_where_every_figure_is_known(figures: list[int | None]) -> None:
    known = [figure for figure in figures if figure is not None]
    assert sum_known(figures) == (sum(known) if known else None)
    assert sum_all_known(figures) == (sum(known) if len(known) == len(figures) else None)


@pytest.mark.parametrize(
    ("in_use", "installed", "text"),
    [
        (0, 1000, "0 %"),
        (1, 2000, "< 1 %"),
        (824, 1000, "82 %"),
        (797, 1000, "79 %"),
        (800, 1000, "80 %"),
        (896, 1000, "89 %"),
        (996, 1000, "99 %"),
        (1000, 1000, "100 %"),
        (1004, 1000, "101 %"),
        (12500, 1000, "1250 %"),
    ],
)
def test_percentage_is_never_rounded_across_a_limit(in_use: int, installed: int, text: str) -> None:
    assert percent_text(in_use / installed, (0.8, 0.9)) == text


def test_percentage_gets_decimals_where_limits_are_close() -> None:
    assert percent_text(0.925, (0.925, 0.93)) == "92.5 %"
    assert percent_text(0.9251, (0.925, 0.93), unit="%") == "92.5%"
    assert percent_text(0.9996, digits=1) == "99.9 %"
    assert percent_text(0.0001, digits=1) == "< 0.1 %"
    assert percent_text(None) == "?"


@given(st.integers(0, 3000), st.integers(1, 2000), st.floats(0.01, 1), st.floats(0.01, 1))
def test_percentage_has_the_level_of_its_reading(
    in_use: int, installed: int, first: float, second: float
) -> None:
    warn, critical = sorted((round(first, 3), round(second, 3)))
    text = percent_text(in_use / installed, (warn, critical))
    if not text.startswith("<"):
        percent = float(text.removesuffix(" %"))
        exact, shown = Reading(in_use, installed), Reading(round(percent * 1000), 100_000)
        assert shown.level(warn, critical) is exact.level(warn, critical)
        assert abs(percent - 100 * in_use / installed) <= 1
