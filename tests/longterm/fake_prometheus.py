"""An engine in memory that keeps what it gets, the same sample twice, too, as VictoriaMetrics."""

import re
import struct
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import parse_qs

import httpx

Labels = tuple[tuple[str, str], ...]
_MATCHER = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)"')
_RANGE = re.compile(r"\{(.*)\}\[(\d+)ms\]", re.DOTALL)


class FakePrometheus:
    """A handler for `httpx.MockTransport`: remote write, and instant queries of raw samples."""

    def __init__(self) -> None:
        self.samples: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
        self.requests: list[httpx.Request] = []
        self.failures: list[str] = []  # one for each of the next requests: before · after · status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise httpx.ConnectError("refused")
        if failure.isdecimal():
            return httpx.Response(int(failure), text="no")
        form = {}
        if "/api/v1/query" in request.url.path:
            form = {name: value[0] for name, value in parse_qs(request.content.decode()).items()}
        if "step" in form:
            return httpx.Response(200, json=self.grid(form))
        if form:
            return httpx.Response(200, json=self.query(form["query"], int(form["time"])))
        for labels, samples in write_request(request.content):
            self.samples[labels] += samples
        if failure == "after":  # it is stored, but the client does not learn that
            raise httpx.ReadError("reset")
        return httpx.Response(204)

    def grid(self, form: dict[str, str]) -> object:
        """Answer at which steps each pool has figures since the step before."""
        assert "count by (server, product, subscription_date, model) (last_over" in form["query"]
        steps = range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))
        result = []
        for labels, samples in self.samples.items():
            if "in_use" in dict(labels)["__name__"]:
                times, step = sorted(at // 1000 for at, _ in samples), steps.step
                counts = [(at, bisect(times, at) - bisect(times, at - step)) for at in steps]
                values = [[at, "1"] for at, count in counts if count]
                metric = {name: value for name, value in labels if name != "__name__"}
                result.append({"metric": metric, "values": values})
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}

    def query(self, query: str, time: int) -> object:
        matched = _RANGE.fullmatch(query)
        assert matched, query
        matchers = [
            (name, kind, value.encode().decode("unicode_escape") if "\\" in value else value)
            for name, kind, value in _MATCHER.findall(matched[1])
        ]
        first, end = time * 1000 - int(matched[2]), time * 1000
        result = []
        for labels, samples in self.samples.items():
            by_name = dict(labels)
            if not all(
                re.fullmatch(value if kind == "=~" else re.escape(value), by_name.get(name, ""))
                for name, kind, value in matchers
            ):
                continue
            values = [[at / 1000, f"{value!r}"] for at, value in samples if first < at <= end]
            if values:
                result.append({"metric": by_name, "values": sorted(values)})
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}

    def of(self, metric: str, **labels: str) -> list[tuple[int, float]]:
        """All samples of a metric with these labels, in seconds, in order of time."""
        wanted = {"__name__": metric, **labels}.items()
        return sorted(
            (at // 1000, value)
            for found, samples in self.samples.items()
            if wanted <= dict(found).items()
            for at, value in samples
        )


# Remote write, decoded by what protobuf.dev/programming-guides/encoding and snappy's
# format_description.txt say


def write_request(body: bytes) -> Iterator[tuple[Labels, list[tuple[int, float]]]]:
    for number, series in _fields(_unpacked(body)):
        assert number == 1
        labels, samples = [], []
        for kind, field in _fields(series):
            parts = [value for _, value in _fields(field)]
            if kind == 1:
                labels.append((parts[0].decode(), parts[1].decode()))
            else:
                ((value,), at) = struct.unpack("<d", parts[0]), int.from_bytes(parts[1], "little")
                samples.append((at, value))
        assert labels == sorted(labels)
        yield tuple(labels), samples


def _unpacked(body: bytes) -> bytes:
    size, at = _varint(body, 0)
    data = b""
    while at < len(body):
        assert body[at] == 61 << 2, "a literal with a length of two bytes"
        length = int.from_bytes(body[at + 1 : at + 3], "little") + 1
        data += body[at + 3 : at + 3 + length]
        at += 3 + length
    assert len(data) == size
    return data


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        length = 8
        if tag & 7 == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value.to_bytes(8, "little")
            continue
        if tag & 7 == 2:
            length, at = _varint(data, at)
        yield tag >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at
