"""Prometheus remote write 1.0, and answers of the Prometheus query API.

The specification of remote write is on prometheus.io/docs/specs/prw/remote_write_spec: a protobuf
message, compressed with snappy. Snappy data may consist of uncompressed parts only
(github.com/google/snappy, format_description.txt), so that no library is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.analysis.columns import FloatArray, IntArray


class SeriesKey(NamedTuple):
    """Identity of a series: the labels that never change."""

    metric: str
    server: str
    product: str = ""
    subscription_date: str = ""
    resolution: str = ""


class Samples(Struct, frozen=True, eq=False):
    """Samples of one series in order of time; times are whole UTC epoch seconds."""

    times: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.times)

    def select(self, chosen: Any) -> Samples:
        """Return some of the samples."""
        return Samples(self.times[chosen], self.values[chosen])


EMPTY: Final = Samples(np.empty(0, np.int64), np.empty(0))


class PushedSeries(Struct, frozen=True, eq=False):
    """One series to push: its key, further labels, and samples."""

    key: SeriesKey
    more: tuple[tuple[str, str], ...]
    samples: Samples

    @property
    def labels(self) -> list[tuple[str, str]]:
        """All labels in order of their names; an empty one does not exist in Prometheus."""
        named = zip(("__name__", *SeriesKey._fields[1:]), self.key, strict=True)
        return sorted((name, value) for name, value in (*named, *self.more) if value)

    def select(self, chosen: Any) -> PushedSeries:
        """Return the series with some of the samples."""
        return replace(self, samples=self.samples.select(chosen))


# Protobuf: `message WriteRequest` of the specification


def write_request(series: Iterable[PushedSeries]) -> bytes:
    """Return the compressed body of a request."""
    return _snappy(b"".join(_field(1, _time_series(each)) for each in series))


def _time_series(series: PushedSeries) -> bytes:
    labels = (
        _field(1, _field(1, name.encode()) + _field(2, value.encode("utf-8", "replace")))
        for name, value in series.labels
    )
    return b"".join((*labels, _samples(series.samples)))


def _field(number: int, body: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    septets = [value >> shift & 0x7F for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([septet | 0x80 for septet in septets[:-1]] + septets[-1:])


_TIME_BYTES: Final = 6  # of milliseconds as a varint: until the year 2109
_SAMPLE: Final = 9 + 1 + _TIME_BYTES  # bytes: a double and a time, each after the number of a field


def _samples(samples: Samples) -> bytes:
    """Return all samples as fields 2; all have the same length, so that numpy can write them."""
    rows = np.empty((len(samples), 2 + _SAMPLE), np.uint8)
    rows[:, :3] = (2 << 3 | 2, _SAMPLE, 1 << 3 | 1)
    rows[:, 3:11] = samples.values.astype("<f8").view(np.uint8).reshape(-1, 8)
    rows[:, 11] = 2 << 3
    milliseconds = samples.times * 1000
    for index in range(_TIME_BYTES):
        more = 0x80 if index < _TIME_BYTES - 1 else 0
        rows[:, 12 + index] = milliseconds >> 7 * index & 0x7F | more
    return rows.tobytes()


_LITERAL: Final = 1 << 16  # bytes of an uncompressed part
_TWO_BYTES: Final = bytes((61 << 2,))  # its length, minus one, follows in two bytes


def _snappy(data: bytes) -> bytes:
    parts = (data[start : start + _LITERAL] for start in range(0, len(data), _LITERAL))
    literals = (_TWO_BYTES + (len(part) - 1).to_bytes(2, "little") + part for part in parts)
    return _varint(len(data)) + b"".join(literals)


# Answers of the query API: nothing in them is trusted


class InvalidAnswerError(ValueError):
    """An answer is not what the query API documents; the text says why."""


class QueriedSeries(NamedTuple):
    """One series of an answer."""

    labels: dict[str, str]
    samples: Samples

    @property
    def key(self) -> SeriesKey:
        """Its identity."""
        names = ("__name__", *SeriesKey._fields[1:])
        return SeriesKey(*(self.labels.get(name, "") for name in names))


_MAX_TIME: Final = 1 << 33  # seconds
_MAX_VALUE: Final = 1 << 53  # above, not every integer is one


class _Series(Struct):
    metric: dict[str, str]
    values: list[Any]  # checked one by one when they are read


class _Result(Struct):
    result: list[_Series]


class _Answer(Struct):
    status: str
    data: Any = None
    error: str = ""


def parse_series(answer: object) -> list[QueriedSeries]:
    """Return the series of the answer to a query; samples without a finite value are left out."""
    try:
        read = convert(answer, _Answer)
        if read.status != "success":
            raise InvalidAnswerError(f"status {read.status:.40}: {read.error:.200}")
        series = convert(read.data, _Result).result
    except ValidationError as error:
        raise InvalidAnswerError(str(error)) from None
    return [QueriedSeries(each.metric, _parse_samples(each.values)) for each in series]


def _parse_samples(values: list[Any]) -> Samples:
    try:
        pairs = [(float(time), float(text)) for time, text in values]
    except (TypeError, ValueError, OverflowError):
        raise InvalidAnswerError("a sample is not a time and a number") from None
    table = np.array(pairs, np.float64).reshape(-1, 2)
    usable = (np.abs(table) < (_MAX_TIME, _MAX_VALUE)).all(axis=1) & (table[:, 0] >= 0)
    table = table[usable]
    table = table[np.argsort(table[:, 0], kind="stable")]
    return Samples(table[:, 0].astype(np.int64), table[:, 1])
