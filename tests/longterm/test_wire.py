"""Answers of the query API are read, or refused with a reason: nothing else comes of them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.longterm.fake_prometheus import write_request as decoded

from lictui.longterm.wire import (
    InvalidAnswerError,
    PushedSeries,
    Samples,
    SeriesKey,
    parse_series,
    write_request,
)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
SAMPLES = st.lists(st.tuples(st.floats() | JSON, TEXTS | st.just("NaN") | st.floats()), max_size=4)
SERIES = st.fixed_dictionaries({"metric": st.dictionaries(TEXTS, TEXTS), "values": SAMPLES | JSON})
ANSWERS = JSON | st.fixed_dictionaries(
    {
        "status": st.just("success"),
        "data": JSON | st.fixed_dictionaries({"result": st.lists(SERIES | JSON, max_size=3)}),
    }
)


@settings(max_examples=30)
@given(ANSWERS)
def test_answer_of_any_shape_is_read_or_refused(answer: object) -> None:
    try:
        series = parse_series(answer)
    except InvalidAnswerError:
        return
    for each in series:
        assert np.isfinite(each.samples.values).all()
        assert (np.diff(each.samples.times) >= 0).all()


def test_answer_is_read() -> None:
    text = (
        '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a",'
        '"server":"s"},"values":[[1790000000.25,"7"],[1790000001,"NaN"],[5,"1.5"]]}]}}'
    )
    (series,) = parse_series(json.loads(text))
    assert series.key == SeriesKey("a", "s")
    assert series.samples.times.tolist() == [5, 1790000000]
    assert series.samples.values.tolist() == [1.5, 7.0]


def test_answer_with_an_error_is_refused_with_its_text() -> None:
    with pytest.raises(InvalidAnswerError, match="too many samples"):
        parse_series({"status": "error", "error": "too many samples"})


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 31), st.floats(allow_nan=False)), min_size=1),
    TEXTS,
)
def test_write_request_is_decoded_to_the_same(pairs: list[tuple[int, float]], text: str) -> None:
    samples = Samples(*(np.array(column) for column in zip(*pairs, strict=True)))
    series = PushedSeries(SeriesKey("a", text), (("group", "g" * 70_000),), samples)
    ((labels, values),) = decoded(write_request([series]))
    assert dict(labels) == {"__name__": "a", "group": "g" * 70_000} | (
        {"server": text} if text else {}
    )
    assert values == [(at * 1000, float(value)) for at, value in pairs]
