"""A server that is polled repeatedly, and the alert events that follow."""

from datetime import date
from typing import Any

from tests.support.clock import START
from tests.support.values import pool, server, snapshot

from lictui.config.settings import AlertSettings
from lictui.engine.alert_state import AlertContext, decide_alerts
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.engine.merge import BoardMerger
from lictui.history.json_codec import from_json, to_json
from lictui.model import (
    Acknowledgement,
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Failure,
    Poll,
    Snapshot,
)

INTERVAL = 900.0  # seconds between two polls
TODAY = date(2026, 11, 24)
USAGE = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")


class AlertScenario:
    """A server that is polled repeatedly, and its alert events."""

    def __init__(self, alerts: AlertSettings | None = None, *servers: Any) -> None:
        self.alerts = alerts or AlertSettings()
        self.now = START
        self.today = TODAY
        self.states: tuple[AlertState, ...] = ()
        self.events: list[AlertEvent] = []
        self.acknowledgements: dict[AlertKey, Acknowledgement] = {}
        self.anomalies: dict[str, str] = {}
        self.board = with_servers(Board(), servers or (server(),))
        self._merger = BoardMerger()

    def poll(self, *results: int | Snapshot | Failure | None, name: str = "lic-01") -> None:
        """Poll for each result: a snapshot, a failure, or the licenses in use of 100."""
        for result in results:
            self.now += INTERVAL
            if result is None or isinstance(result, int):
                result = snapshot(pool(in_use=result, installed=100, overdraft=10))  # noqa: PLW2901
            self.board = apply_poll(self.board, Poll(name, self.now, 0.1, result))
            self.evaluate()

    def evaluate(self) -> None:
        status = self._merger.merge(self.board, self.alerts).servers[0]
        facts = AlertContext(
            self.alerts, self.today, self.now, self.acknowledgements, self.anomalies
        )
        states, events = decide_alerts(self.states, status, facts)
        self.states = tuple(states)
        self.events += events
        for event in events:
            if event.transition in (AlertTransition.WORSE, AlertTransition.CLEARED):
                self.acknowledgements.pop(event.alert.key, None)

    def restart(self) -> None:
        """Write the alert states to JSON and read them back, as a restart does."""
        kept = [from_json(AlertState, to_json(state)) for state in self.states]
        self.states = tuple(state for state in kept if state is not None)
        assert len(self.states) == len(kept)

    def transitions(self) -> list[str]:
        return [f"{event.transition} {event.alert.level}" for event in self.events]
