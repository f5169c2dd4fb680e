"""Prometheus alert rules for the metrics of `openmetrics`, with the thresholds of config.toml.

Servers with the same thresholds share a rule. The rules that match most servers exclude the others,
so that they also apply to servers that are registered later.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from lictui.clock import DAY
from lictui.engine.merge import resolve_same_as
from lictui.model import DEFAULT_INTERVAL, Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from lictui.config.settings import Settings, Thresholds

_PRODUCT: Final = "{{ $labels.product }} on {{ $labels.server }}"
_USAGE: Final = f"{_PRODUCT}: {{{{ $value | humanizePercentage }}}} of the licenses are used"
_ENDS: Final = "in {{ $value | humanizeDuration }}"


class _ServerClass(Struct, frozen=True):
    """What servers have in common that share a rule."""

    limits: Thresholds
    interval: float  # seconds
    entitlement: str

    @property
    def hold(self) -> int:
        """Seconds that a condition must last: as many polls as `for` of [alerts] demands."""
        return round((self.limits.for_polls - 1) * self.interval)

    @property
    def labels(self) -> dict[str, str]:
        """Labels that distinguish the alerts of several rules."""
        labels = {"polled_every": f"{self.interval:g}s"}
        return labels | {"entitlement": self.entitlement} if self.entitlement else labels


class _AlertRule(Struct, frozen=True):
    name: str
    severity: str
    expression: str
    hold: int  # seconds
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)


def prometheus_rules(settings: Settings, servers: Sequence[Server]) -> str:
    """Return a rule file (YAML)."""
    enabled = [server for server in servers if server.enabled]
    enabled = enabled or [Server("any", SourceName.WINRM)]  # rules for servers to come
    missing = "lictui reports no metrics"
    rules = [
        _AlertRule(
            "CitrixLicenseMonitorMissing", "critical", "absent(lictui_build_info)", 300, missing
        ),
        *_server_rules(settings, enabled),
    ]
    overridden = list(settings.alerts.product)
    for product in (*overridden, ""):
        of_product = _matcher("product", [product] if product else overridden, is_in=bool(product))
        for servers_of, key in _classes(settings, enabled, product):
            rules += _product_rules(", ".join(filter(None, (servers_of, of_product))), key)
    lines = [
        "# Alert rules for lictui's metrics, written by `lictui export rules` from its",
        "# configuration: write them again after changing thresholds. Check: promtool check rules",
        "groups:",
        "- name: lictui",
        "  rules:",
    ]
    joined: dict[tuple[object, ...], list[_AlertRule]] = {}
    for rule in rules:  # alerts of one name need different labels
        key_of = (rule.name, rule.severity, *rule.labels.items())
        joined.setdefault(key_of, []).append(rule)
    for same in joined.values():
        lines += _yaml(same)
    return "\n".join(lines) + "\n"


def _classes(
    settings: Settings, servers: Sequence[Server], product: str = ""
) -> Iterator[tuple[str, _ServerClass]]:
    """Yield each class of servers, with the matcher that selects it."""
    by_name, main_of = {server.name: server for server in servers}, resolve_same_as(servers)
    keys = {}
    for server in servers:
        main = by_name[main_of.get(server.name, server.name)]  # alerts are about this server
        keys[server.name] = _ServerClass(
            settings.alerts.thresholds_of(main, product),
            server.interval or settings.interval or DEFAULT_INTERVAL[server.source],
            main.entitlement,
        )
    (most, _), *others = Counter(keys.values()).most_common()
    yield _matcher("server", [n for n, key in keys.items() if key != most], is_in=False), most
    for key, _ in others:
        yield _matcher("server", [n for n in keys if keys[n] == key], is_in=True), key


def _product_rules(matcher: str, key: _ServerClass) -> Iterator[_AlertRule]:
    def metric(name: str, function: str = "sum") -> str:
        by = "product" if key.entitlement else "server, group, product"
        return f"{function} by ({by}) (citrix_license_{name}{{{matcher}}})"

    limits = key.limits
    ratio = f"{metric('in_use')} / {metric('installed')}"
    complete = f" and {metric('in_use', 'count')} == {metric('installed', 'count')}"
    known = "" if key.entitlement else complete  # its licenses are installed at one server
    warn, critical = f"{limits.warn:g}", f"{limits.critical:g}"
    severities = {
        "warning": f"({ratio} >= {warn}) < {critical}{known}",
        "critical": f"{ratio} >= {critical}{known}",
    }
    expiry = f"{metric('expiry_timestamp_seconds', 'min')} - time()"
    subscription = f"{metric('subscription_timestamp_seconds', 'max')} - time()"
    days = limits.expiry_warn, limits.expiry_critical
    ends = f"({subscription} <= {limits.expiry_warn * DAY}) > 0"
    for name, expressions, hold, text in (
        ("CitrixLicenseUsage", severities, key.hold, _USAGE),
        ("CitrixLicenseExpiry", _within(expiry, *days), 0, f"{_PRODUCT}: licenses expire {_ENDS}"),
        ("CitrixLicenseSubscription", {"warning": ends}, 0,
         f"{_PRODUCT}: the subscription ends {_ENDS}"),
    ):  # fmt: skip
        of = "$labels.entitlement" if key.entitlement else "$labels.server"
        summary = text.replace("$labels.server", of)
        for severity, expression in expressions.items():
            yield _AlertRule(name, severity, expression, hold, summary, key.labels)


def _within(seconds: str, warn: int, critical: int) -> dict[str, str]:
    """Return the expressions, by severity, of something that ends in so many days."""
    first, last = warn * DAY, critical * DAY
    return {"warning": f"({seconds} <= {first}) > {last}", "critical": f"{seconds} <= {last}"}


def _server_rules(settings: Settings, servers: Sequence[Server]) -> Iterator[_AlertRule]:
    name = "{{ $labels.server }}"
    main_of = resolve_same_as(servers)
    mains = dict.fromkeys(main_of.values())
    several = {main: [main, *(m for m, of in main_of.items() if of == main)] for main in mains}
    for main, members in several.items():  # down if none of its data sources responds
        up = f"max(citrix_license_server_up{{{_matcher('server', members, is_in=True)}}}) == 0"
        text = f"{name} does not respond"
        yield _AlertRule("CitrixLicenseServerDown", "critical", up, 0, text, {"server": main})
    single = _matcher("server", [n for names in several.values() for n in names], is_in=False)
    for matcher, key in _classes(settings, servers):
        selected = f"{{{', '.join(filter(None, (matcher, single)))}}}"
        age = f"time() - citrix_license_server_last_success_timestamp_seconds{selected}"
        ends = "citrix_license_server_activation_expiry_timestamp_seconds"
        expiry = _within(
            f"{ends}{{{matcher}}} - time()", key.limits.las_warn, key.limits.las_critical
        )
        down = {"critical": f"citrix_license_server_up{selected} == 0"}
        old = {"warning": f"{age} > {round(4 * key.interval)}"}
        late = "the last successful poll was {{ $value | humanizeDuration }} ago"
        for alert, expressions, hold, text in (
            ("CitrixLicenseServerDown", down, key.hold, "no response"),
            ("CitrixLicenseDataOld", old, 0, late),
            ("CitrixLicenseActivation", expiry, 0, f"the license activation expires {_ENDS}"),
        ):
            labels = {"polled_every": f"{key.interval:g}s"}
            for severity, expression in expressions.items():
                yield _AlertRule(alert, severity, expression, hold, f"{name}: {text}", labels)


def _matcher(label: str, values: Collection[str], *, is_in: bool) -> str:
    """Return a matcher of a label; "" if everything matches."""
    if not values:
        return ""
    operator = "=~" if is_in else "!~"
    return f"{label}{operator}{_quoted('|'.join(re.escape(value) for value in values))}"


def _quoted(text: str) -> str:
    """Quote a text for YAML and PromQL, which have the same escapes as JSON."""
    return json.dumps(text, ensure_ascii=False)


def _yaml(rules: Sequence[_AlertRule]) -> Iterator[str]:
    """One rule for all of these, which differ in their expressions."""
    rule = rules[0]
    # A template in a label would be run by Prometheus.
    plain = {key: value.replace("{{", "{ {") for key, value in rule.labels.items()}
    words = {"severity": rule.severity, **plain}
    yield f"  - alert: {rule.name}"
    yield f"    expr: {_quoted(' or '.join(dict.fromkeys(r.expression for r in rules)))}"
    yield f"    for: {max(r.hold for r in rules)}s"
    yield f"    labels: {json.dumps(words, ensure_ascii=False)}"
    yield f"    annotations: {{summary: {_quoted(rule.summary)}}}"
