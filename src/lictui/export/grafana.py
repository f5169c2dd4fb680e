"""A Grafana dashboard of the OpenMetrics output, with the thresholds of `[alerts]`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lictui.longterm.metrics import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lictui.config.settings import Settings

    Steps = Sequence[tuple[str, float | None]]  # color, from which value on

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_SERVERS: Final = 'group=~"$group", server=~"$server"'
_POOLS: Final = f'{_SERVERS}, product=~"$product"'
_UP: Final = f"{PREFIX}server_up{{{_SERVERS}}}"
_IN_USE: Final = f"{PREFIX}in_use{{{_POOLS}}}"
_INSTALLED: Final = f"{PREFIX}installed{{{_POOLS}}}"
_EXPIRY: Final = f"{PREFIX}expiry_timestamp_seconds{{{_POOLS}}}"
_DURATION: Final = f"{PREFIX}server_poll_duration_seconds{{{_SERVERS}}}"
_FAILURES: Final = f'increase({PREFIX}poll_failures_total{{server=~"$server"}}[1h])'
_VARIABLES: Final = {  # with the metric that has their values
    "group": f"{PREFIX}server_up",
    "server": f'{PREFIX}server_up{{group=~"$group"}}',
    "product": f"{PREFIX}in_use{{{_SERVERS}}}",
}
_PLAIN: Final = (("green", None),)
_INSTANT: Final = ("stat", "bargauge", "table")  # panels of the present
_LAST: Final = {"reduceOptions": {"calcs": ["lastNotNull"]}}
_OPTIONS: Final = {
    "stat": _LAST,
    "bargauge": {**_LAST, "orientation": "horizontal", "displayMode": "basic"},
    "state-timeline": {"showValue": "never"},
}


def grafana_dashboard(settings: Settings) -> str:
    """Return the dashboard as JSON, to be imported into Grafana."""
    document = {
        "title": "Citrix licenses",
        "uid": "lictui-licenses",
        "tags": ["citrix", "lictui"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "5m",
        "timezone": "",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource"}
                | {"query": "prometheus"},
                *(_variable(name, metric) for name, metric in _VARIABLES.items()),
            ]
        },
        "annotations": {"list": []},
        "panels": [{"id": number, **panel} for number, panel in enumerate(_panels(settings), 1)],
    }
    return json.dumps(document, indent=1) + "\n"


def _variable(name: str, metric: str) -> dict[str, Any]:
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels(settings: Settings) -> list[dict[str, Any]]:
    limits = settings.alerts.default
    usage = (*_PLAIN, ("orange", limits.warn), ("red", limits.critical))
    days = (("red", None), ("orange", limits.expiry_critical), ("green", limits.expiry_warn))
    in_use, installed = (f"sum by (product) ({metric})" for metric in (_IN_USE, _INSTALLED))
    by = "by (server, product)"
    ratio = f"sum {by} ({_IN_USE}) / sum {by} ({_INSTALLED})"
    return [
        _panel("stat", "Servers not responding", (0, 0, 4, 4),
               {f"count({_UP} == 0) or vector(0)": ""}, (*_PLAIN, ("red", 1))),
        _panel("stat", "Highest usage on one server", (4, 0, 4, 4),
               {f"max({ratio})": ""}, usage, "percentunit"),
        _panel("stat", "Next expiration", (8, 0, 4, 4),
               {f"(min({_EXPIRY}) - time()) / 86400": ""}, days, "d"),
        _panel("bargauge", "Usage by product", (12, 0, 12, 8),
               {f"{in_use} / {installed}": "{{product}}"}, usage, "percentunit"),
        _panel("stat", "Licenses in use", (0, 4, 6, 4), {f"sum({_IN_USE})": ""}),
        _panel("stat", "Licenses installed", (6, 4, 6, 4), {f"sum({_INSTALLED})": ""}),
        _panel("timeseries", "In use and installed by product", (0, 8, 12, 9),
               {in_use: "{{product}}", installed: "{{product}} installed"},
               lineWidth=1, fillOpacity=5, spanNulls=False),
        _panel("timeseries", "Usage by server and product", (12, 8, 12, 9),
               {ratio: "{{server}} {{product}}"}, usage, "percentunit",
               lineWidth=1, thresholdsStyle={"mode": "line"}, spanNulls=False),
        _panel("table", "Days until licenses expire", (0, 17, 12, 8),
               {f"sort((min {by} ({_EXPIRY}) - time()) / 86400)": ""}, days,
               cellOptions={"type": "color-text"}),
        _panel("state-timeline", "Servers", (12, 17, 12, 8),
               {_UP: "{{server}}"}, (("red", None), ("green", 1))),
        _panel("timeseries", "Failed polls by reason", (0, 25, 12, 7),
               {f"sum by (server, kind) ({_FAILURES})": "{{server}} {{kind}}"}),
        _panel("timeseries", "Duration of polls", (12, 25, 12, 7),
               {_DURATION: "{{server}}"}, unit="s"),
    ]  # fmt: skip


def _panel(
    kind: str,
    title: str,
    place: tuple[int, int, int, int],
    queries: Mapping[str, str],
    steps: Steps = _PLAIN,
    unit: str = "none",
    **custom: Any,
) -> dict[str, Any]:
    """Return one panel; queries have a legend each, `custom` are settings of this kind."""
    panel = {
        "type": kind,
        "title": title,
        "datasource": _SOURCE,
        "gridPos": dict(zip("xywh", place, strict=True)),
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"color": color, "value": value} for color, value in steps],
                },
                "color": {"mode": "palette-classic" if steps is _PLAIN else "thresholds"},
                "custom": custom,
            },
            "overrides": [],
        },
        "options": _OPTIONS.get(kind, {}),
        "targets": [
            {
                "refId": reference,
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": kind in _INSTANT,
                "range": kind not in _INSTANT,
            }
            | ({"format": "table"} if kind == "table" else {})
            for reference, (expression, legend) in zip("ABC", queries.items(), strict=False)
        ],
    }
    if kind == "table":
        names = {"excludeByName": {"Time": True}, "renameByName": {"Value": "Days"}}
        panel["transformations"] = [{"id": "organize", "options": names}]
    return panel
