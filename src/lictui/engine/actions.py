"""Actions on alert events, as configured in [actions]: commands to run and webhooks to post.

Every action has a queue and a task of its own: one that hangs delays neither polling nor another
action, and its events stay in order. A failing action is logged once, and once when it recovers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.config.secrets import is_reference
from lictui.config.settings import Action, Limits, webhook_url
from lictui.config.toml_document import InvalidValue
from lictui.engine.alert_state import event_json
from lictui.errors import LictuiError
from lictui.model import AlertEvent, Event, EventKind, FailureKind, Level
from lictui.sources.process import run_program
from lictui.sources.secrets import resolve_secret
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lictui.clock import Clock

    LogEvent = Callable[[Event], None]

_log = logging.getLogger(__name__)
_QUEUE_LENGTH: Final = 200  # events waiting for one action; beyond that, the oldest are dropped
_RETRIES: Final = (2.0, 10.0, 60.0)  # seconds before a webhook is tried again
_MAX_OUTPUT: Final = 64 * 1024  # bytes that a command may print; its output is not used


class ActionRunner:
    """Passes alert events to every action that is configured for them."""

    def __init__(self, clock: Clock, log_event: LogEvent, actions: tuple[Action, ...] = ()) -> None:
        self.actions = actions
        self._clock = clock
        self._log_event = log_event
        self._queues: dict[str, _ActionQueue] = {}

    def submit(self, events: Iterable[AlertEvent]) -> None:
        """Queue the events for the actions they match. Neither waits nor raises."""
        events = tuple(events)
        for action in self.actions:
            matching = [event for event in events if action.matches(event)]
            if matching and (action.command or action.webhook):
                queue = self._queues.get(action.name)
                if queue is None:
                    queue = _ActionQueue(action, self._clock, self._log_event)
                    self._queues[action.name] = queue
                queue.put(action, matching)

    async def close(self) -> None:
        """End running actions, commands with all their children. Safe to call twice."""
        tasks = [queue.task for queue in self._queues.values() if queue.task]
        self._queues.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _ActionQueue:
    """One action as it is configured now, and the events that wait for it."""

    def __init__(self, action: Action, clock: Clock, log_event: LogEvent) -> None:
        self.task: asyncio.Task[None] | None = None
        self._action = action
        self._clock = clock
        self._log_event = log_event
        self._failing = False
        self._overflowing = False  # reported until no event waits
        self._waiting: deque[AlertEvent] = deque(maxlen=_QUEUE_LENGTH)

    def put(self, action: Action, events: Iterable[AlertEvent]) -> None:
        self._action = action
        events = tuple(events)
        if len(self._waiting) + len(events) > _QUEUE_LENGTH and not self._overflowing:
            self._overflowing = True
            _log.warning("action %s: events are dropped", action.name)
            self._report(
                f"more than {_QUEUE_LENGTH} events are waiting: the oldest are dropped", Level.WARN
            )
        self._waiting.extend(events)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._work(), name=f"action {action.name}")

    async def _work(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            try:
                await _act(self._action, event, self._clock)
            except SourceError as error:
                self._report_failure(error.failure.message)
            except LictuiError as error:
                self._report_failure(error.message)
            except Exception as error:  # noqa: BLE001 - a defect must not end the queue
                _log.exception("action %s", self._action.name)
                self._report_failure(f"unexpected error ({type(error).__name__})")
            else:
                if self._failing:
                    self._failing = False
                    self._report("recovered", Level.OK)
        self._overflowing = False

    def _report_failure(self, reason: str) -> None:
        _log.warning("action %s failed: %s", self._action.name, reason)
        if not self._failing:
            self._failing = True
            self._report(f"failed: {reason}", Level.WARN)

    def _report(self, text: str, level: Level) -> None:
        message = f"action {self._action.name}: {text}"
        self._log_event(Event(self._clock.now(), EventKind.ACTION, "", message, "", level))


async def _act(action: Action, event: AlertEvent, clock: Clock) -> None:
    body = json.dumps(event_json(event), ensure_ascii=False).encode()
    limits = replace(
        Limits(), timeout=action.timeout, connect_timeout=action.timeout, max_reply=_MAX_OUTPUT
    )
    if action.command:
        output = await run_program(action.command, limits, stdin=body + b"\n")
        if output.exit_code:
            reason = f": {output.stderr}" if output.stderr else ""
            program = action.command[0]
            message = f"{program} exited with code {output.exit_code}{reason}"
            raise SourceError(FailureKind.COMMAND, message)
    if action.webhook:
        await _post(action, body, limits, clock)


def _checked_url(url: str, reference: str) -> str:
    try:
        return webhook_url(url)
    except InvalidValue as error:
        raise SourceError(FailureKind.CONFIG, f"{reference}: {error.message}") from None


async def _post(action: Action, body: bytes, limits: Limits, clock: Clock) -> None:
    from lictui.sources.webhook import is_transient, post

    for pause in (*_RETRIES, None):
        secret = await resolve_secret(action.secret) if action.secret else ""
        url = action.webhook
        if is_reference(url):
            url = _checked_url(await resolve_secret(url), url)
        try:
            await post(url, body, limits, now=clock.now(), secret=secret, verify=action.verify)
        except SourceError as error:
            if pause is None or not is_transient(error):
                raise
            await clock.sleep(pause)
        else:
            return
