"""The state of all servers in the formats of other monitoring systems.

Texts of servers are bounded and escaped as each format demands; an unknown figure is left out.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from lictui.engine.board import FIGURES
from lictui.export.nagios import CheckOptions, Finding, PluginState, judge, plain_text
from lictui.export.openmetrics import (
    ExportedSeries,
    enabled_servers,
    openmetrics_text,
    pool_series,
    server_series,
)
from lictui.model import State, sum_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

from lictui.engine.board import MergedBoard

_NANOSECONDS: Final = 1_000_000_000
_PRTG_CHANNELS: Final = 50  # of one sensor, as its manual recommends


def _openmetrics(board: MergedBoard, _now: float, _today: date) -> str:
    return openmetrics_text(board).decode()


def _verdicts(board: MergedBoard, now: float, today: date) -> dict[str, Finding]:
    """The worst finding of each enabled server."""
    worst: dict[str, Finding] = {}
    for finding in judge(board, CheckOptions(), now, today):
        status = board.find(finding.server)
        for name in status.member_names if status else ():
            worst.setdefault(name, finding)
    for status in enabled_servers(board):
        name = status.server.name
        worst.setdefault(name, Finding(PluginState.OK, name, "no usage figures"))
    return worst


# Checkmk: its own section citrix_licenses for each server as piggyback host (product, licenses, in
# use; https://docs.checkmk.com/latest/en/piggyback.html), and a local check of each server, whose
# name has no quotes, and in whose text a backslash and n are a new line.


def _checkmk(board: MergedBoard, now: float, today: date) -> str:
    lines: list[str] = []
    hosts: dict[str, dict[str, list[int | None]]] = {}
    for series in pool_series(board):
        product = re.sub(r"\s", "_", series.pool.product)
        reading = series.pool.reading
        if reading.installed is not None and reading.in_use is not None:
            figures = hosts.setdefault(series.labels["server"], {}).setdefault(product, [0, 0])
            figures[0] = sum_known((figures[0], reading.installed))
            figures[1] = sum_known((figures[1], reading.in_use))
    for host, products in hosts.items():
        header = re.sub(r"^[.-]|[^A-Za-z0-9_.-]", "_", host)
        lines += [f"<<<<{header}>>>>", "<<<citrix_licenses>>>"]
        lines += [f"{product} {have} {used}" for product, (have, used) in products.items()]
        lines.append("<<<<>>>>")
    lines.append("<<<local:sep(0)>>>")
    for name, finding in _verdicts(board, now, today).items():
        service, text = (plain_text(word).replace("\\", "/") for word in (name, finding.text))
        service = re.sub("[\"']", "_", service)
        lines.append(f'{finding.state} "Citrix licenses {service}" - {text}')
    return "\n".join(lines) + "\n"


# Zabbix: one JSON document for a master item, which the template of `lictui export zabbix` splits.
# `id` identifies a row in item keys and JSONPath, where names could be misread.


def _zabbix(board: MergedBoard, now: float, today: date) -> str:
    verdicts = _verdicts(board, now, today)
    servers = []
    for series in server_series(board):
        verdict = verdicts[series.server.name]
        finding = {"state": int(verdict.state), "problem": plain_text(verdict.text)}
        servers.append(_row(series) | finding)
    return _json({"servers": servers, "pools": list(map(_row, pool_series(board)))})


def _row(series: ExportedSeries) -> dict[str, Any]:
    labels = "\0".join(series.labels.values()).encode(errors="surrogatepass")
    figures = {
        metric.field: int(value) if metric.is_whole else round(value, 3)
        for metric, value in series.figures.items()
    }
    return {"id": sha256(labels).hexdigest()[:16], **series.labels, **figures}


# PRTG: https://www.paessler.com/manuals/prtg/custom_sensors, "Advanced Script Sensors"


def _prtg(board: MergedBoard, now: float, today: date) -> str:
    findings = judge(board, CheckOptions(), now, today)
    problems = [str(finding) for finding in findings if finding.state is not PluginState.OK]
    enabled = [status for status in board.servers if status.state is not State.DISABLED]
    down = sum(not status.is_up for status in enabled)
    if down == len(enabled):
        return _prtg_error("; ".join(problems[:1]) or "no enabled server")
    channels = [_channel("Servers not up", down, {"limitmaxerror": 0})]
    totals = board.totals()
    for total in totals:
        installed, free = total.reading.installed, total.free
        if any(map(total.is_partial, FIGURES)) or installed is None or total.reading.in_use is None:
            continue
        label = total.product
        if sum(other.product == label for other in totals) > 1:
            label = f"{label} {total.model}"
        # PRTG alerts above a limit, lictui at its threshold.
        highest = [ceil(round(ratio * installed, 6)) - 1 for ratio in total.limits.ratios]
        bounds = dict(zip(("limitmaxwarning", "limitmaxerror"), highest, strict=True))
        channels.append(_channel(f"{label} in use", total.reading.in_use, bounds))
        channels.append(_channel(f"{label} free", free or 0, {}))
    if len(channels) > _PRTG_CHANNELS:
        return _prtg_error(
            f"{len(channels)} channels, PRTG supports {_PRTG_CHANNELS}: use --server or --filter"
        )
    text = plain_text("; ".join(problems) or "OK")
    return _json({"prtg": {"result": channels, "text": text}})


def _channel(name: str, value: int, bounds: Mapping[str, int]) -> dict[str, Any]:
    """One channel; limits are texts, as the manual demands."""
    limits = {limit: str(bound) for limit, bound in bounds.items()}
    mode = {"limitmode": 1} if limits else {}
    return {"channel": plain_text(name, 100), "value": value, "unit": "Count", **mode, **limits}


def _prtg_error(text: str) -> str:
    return _json({"prtg": {"error": 1, "text": plain_text(text)}})


# InfluxDB line protocol, also read by Telegraf, VictoriaMetrics and QuestDB


def _influx(board: MergedBoard, now: float, _today: date) -> str:
    return "".join(f"{line}\n" for line in _influx_lines(board, now))


def _influx_lines(board: MergedBoard, now: float) -> Iterator[str]:
    times = {s.server.name: s.last_success_at or now for s in enabled_servers(board)}
    for series in server_series(board):
        yield _influx_line("citrix_license_server", series, now)
    for series in pool_series(board):
        if series.figures:
            yield _influx_line("citrix_license", series, times[series.server.name])


def _influx_line(name: str, series: ExportedSeries, time: float) -> str:
    """One point, whole numbers as integers. A tag has no empty value."""
    words = [name, *(f"{tag}={_tag(value)}" for tag, value in series.labels.items() if value)]
    fields = (
        f"{metric.field}={int(value)}i" if metric.is_whole else f"{metric.field}={value:.3f}"
        for metric, value in series.figures.items()
    )
    return f"{','.join(words)} {','.join(fields)} {int(time) * _NANOSECONDS}"


def _tag(value: str) -> str:
    """Escape a tag; a backslash would escape what follows it, and cannot be escaped itself."""
    return re.sub(r"([,= ])", r"\\\1", plain_text(value).replace("\\", "/"))


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


# By the word of `--format`: functions of a board, the time in UTC epoch seconds, and the day.
WRITERS: Final[Mapping[str, Callable[[MergedBoard, float, date], str]]] = {
    "openmetrics": _openmetrics,
    "checkmk": _checkmk,
    "zabbix": _zabbix,
    "prtg": _prtg,
    "influx": _influx,
}
