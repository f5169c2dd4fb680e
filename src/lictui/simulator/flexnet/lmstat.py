"""The text of `lmstat -a`, line class by line class.

Owns the grammar (Citrix's "lic-admin-cmds-status" and public captures of lmstat). Must not know
where the figures come from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lictui.simulator.flexnet.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.simulator.flexnet.server import (
        Daemon,
        Feature,
        FlexServer,
        Host,
        Reservation,
        Seat,
        VersionGroup,
    )


def lmstat(server: FlexServer, layout: Layout | None = None) -> str:
    """What `lmstat -a` prints about `server`."""
    layout = layout or Layout()
    return _joined(_Text(server, layout).lines(), layout)


def unreachable(at: float, reason: str, layout: Layout | None = None) -> str:
    """What it prints when nobody answers; `reason` is `(-15,570:111 "Connection refused")`."""
    layout = layout or Layout()
    fatal = f"Error getting status: Cannot connect to license server {reason}"
    return _joined([*_head(at, layout), "", fatal], layout)


def _joined(lines: Iterable[str], layout: Layout) -> str:
    if layout.airy:
        lines = (line for each in lines if each for line in (each, ""))
    return layout.newline.join((*lines, ""))


def _head(at: float, layout: Layout) -> Iterator[str]:
    now = _local(at, layout)
    rights = f"Copyright (c) 1989-{now.year} {layout.owner}. All Rights Reserved."
    yield f"{layout.program} - {rights}"
    day = f"{now:%a} {now.month}/{now.day}/{now.year}"
    yield f"Flexible License Manager status on {day} {now:%H:%M}"


def _local(at: float, layout: Layout) -> datetime:
    return datetime.fromtimestamp(at + layout.hours * 3600, UTC)


class _Text:
    """One server, being written down."""

    def __init__(self, server: FlexServer, layout: Layout) -> None:
        self._server = server
        self._layout = layout
        self._indent = "" if layout.flush else "  "

    def lines(self) -> Iterator[str]:
        server = self._server
        yield from _head(server.at, self._layout)
        if self._layout.detecting:
            yield from ("", "[Detecting lmgrd processes...]")
        places = ",".join(f"{host.port}@{host.name}" for host in server.hosts)
        yield from ("", f"License server status: {places}")
        yield f"    License file(s) on {server.name}: {':'.join(server.files)}:"
        yield ""
        yield from (_host(host) for host in server.hosts)
        yield from ("", f"Vendor daemon status (on {server.name}):", "")
        for daemon in server.daemons:
            yield from self._daemon(daemon)

    def _daemon(self, daemon: Daemon) -> Iterator[str]:
        yield f"    {daemon.name}: {'UP' if daemon.up else 'DOWN'} {daemon.version}"
        yield from ("Feature usage info:", "")
        for feature in daemon.features:
            yield from self._feature(feature, daemon.name)

    def _feature(self, feature: Feature, vendor: str) -> Iterator[str]:
        gap = self._layout.gap
        issued, used = _many(feature.issued), _many(feature.in_use)
        said = feature.instead or f"Total of {issued} issued;{gap}Total of {used} in use"
        yield from (f"Users of {feature.name}:{gap}({said})", "")
        for group in feature.groups:
            if group.seats or group.reservations or self._layout.idle_groups:
                yield from self._group(feature, group, vendor)

    def _group(self, feature: Feature, group: VersionGroup, vendor: str) -> Iterator[str]:
        expiry = "" if group.expiry is None else f", expiry: {group.expiry}"
        name = group.named or feature.name
        yield f'{self._indent}"{name}" v{group.version}, vendor: {vendor}{expiry}'
        if group.vendor_string:
            yield f"{self._indent}vendor_string: {group.vendor_string}"
        yield from (f"{self._indent}{group.kind}", "")
        indent = self._indent * 2
        for reservation in group.reservations:
            yield self._reservation(reservation)
        for number, seat in enumerate(group.seats, 1):
            yield indent + self._seat(seat, group.version, number)
        yield ""

    def _reservation(self, reservation: Reservation) -> str:
        noun = "RESERVATION" if reservation.count == 1 else "RESERVATIONs"
        whom = f"{reservation.kind} {reservation.name}"
        indent = "\t" if self._layout.tab else "      "
        return f"{indent}{reservation.count} {noun} for {whom} ({self._place()})"

    def _seat(self, seat: Seat, version: str, number: int) -> str:
        who = " ".join(part for part in (seat.user, seat.host, seat.display, seat.extra) if part)
        told = f"{who} (v{version}) ({self._place()} {100 + number})"
        if seat.queued:
            return f"{told} queued for {_many(seat.count)}"
        start = _local(seat.start, self._layout)
        year = f"/{start.year}" if self._layout.year else ""
        told += f", start {start:%a} {start.month}/{start.day}{year} {start.hour}:{start:%M}"
        if seat.count > 1:
            told += f", {_many(seat.count)}"
        if seat.linger:
            told += f" (linger: {seat.linger[0]} / {seat.linger[1]})"
        return told if seat.pid is None else f"{told}, PID: {seat.pid}"

    def _place(self) -> str:
        return f"{self._server.name}/{self._server.hosts[0].port}"


def _host(host: Host) -> str:
    if host.error:
        return f"{host.name}: Cannot connect to license server system. {host.error}"
    master = " (MASTER)" if host.master else ""
    return f" {host.name}: license server {'UP' if host.up else 'DOWN'}{master} {host.version}"


def _many(count: int) -> str:
    return f"{count} license" if count == 1 else f"{count} licenses"
