"""What config.toml wants done about an alert: commands run, webhooks posted, never in the way.

Owns a queue and a task for each action, so that one that hangs delays neither polling nor another,
and the events of one arrive in their order. An action that fails has one line in the journal, and
one when it works again. Must not know what deserves an alert.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.config.settings import Action, Limits
from lictui.engine.alert_state import event_json
from lictui.errors import LictuiError
from lictui.model import AlertEvent, Event, EventKind, Level
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lictui.clock import Clock

    Note = Callable[[Event], None]

_log = logging.getLogger(__name__)
_MOST: Final = 200  # events that wait for one action; of more, the oldest are left out
_PAUSES: Final = (2.0, 10.0, 60.0)  # seconds before a webhook is tried again
_OUTPUT: Final = 64 * 1024  # bytes that a command may print, which nobody reads


class ActionRunner:
    """Hands what happened to every one of `actions` that wants it; `note` writes a line down."""

    def __init__(self, clock: Clock, note: Note, actions: tuple[Action, ...] = ()) -> None:
        self.actions = actions
        self._clock = clock
        self._note = note
        self._runs: dict[str, _Run] = {}

    def submit(self, said: Iterable[AlertEvent]) -> None:
        """Act on what happened, some time soon. Does not wait and does not raise."""
        happened = tuple(said)
        for action in self.actions:
            wanted = [each for each in happened if action.matches(each)]
            if wanted and (action.command or action.webhook):
                run = self._runs.get(action.name)
                if run is None:
                    run = self._runs[action.name] = _Run(action, self._clock, self._note)
                run.put(action, wanted)

    async def close(self) -> None:
        """End what is under way, commands with all their children. Safe to call twice."""
        tasks = [run.task for run in self._runs.values() if run.task]
        self._runs.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Run:
    """One action as it is configured now, and what waits for it."""

    def __init__(self, action: Action, clock: Clock, note: Note) -> None:
        self.task: asyncio.Task[None] | None = None
        self._action = action
        self._clock = clock
        self._note = note
        self._failing = False
        self._waiting: deque[AlertEvent] = deque(maxlen=_MOST)

    def put(self, action: Action, said: Iterable[AlertEvent]) -> None:
        self._action = action
        self._waiting.extend(said)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._work(), name=f"action {action.name}")

    async def _work(self) -> None:
        while self._waiting:
            said = self._waiting.popleft()
            try:
                await _act(self._action, said, self._clock)
            except (SourceError, LictuiError) as error:
                self._failed(_sentence(error))
            except Exception as error:  # noqa: BLE001 - nor may a surprise end the queue
                _log.exception("the action %s", self._action.name)
                self._failed(f"it failed unexpectedly ({type(error).__name__})")
            else:
                if self._failing:
                    self._failing = False
                    self._tell("works again", Level.OK)

    def _failed(self, why: str) -> None:
        _log.warning("the action %s: %s", self._action.name, why)
        if not self._failing:
            self._failing = True
            self._tell(f"fails: {why}", Level.WARN)

    def _tell(self, what: str, level: Level) -> None:
        message = f"the action {self._action.name} {what}"
        self._note(Event(self._clock.now(), EventKind.ACTION, "", message, "", level))


def _sentence(error: SourceError | LictuiError) -> str:
    return error.failure.message if isinstance(error, SourceError) else error.message


async def _act(action: Action, said: AlertEvent, clock: Clock) -> None:
    body = json.dumps(event_json(said), ensure_ascii=False).encode()
    limits = replace(
        Limits(), timeout=action.timeout, connect_timeout=action.timeout, max_reply=_OUTPUT
    )
    if action.command:
        await _run(action.command, body, limits)
    if action.webhook:
        await _post(action, body, limits, clock)


async def _run(command: tuple[str, ...], body: bytes, limits: Limits) -> None:
    from lictui.model import FailureKind  # noqa: PLC0415 - as above
    from lictui.sources.process import run_program  # noqa: PLC0415 - few have a command

    output = await run_program(command, limits, given=body + b"\n")
    if output.exit_code:
        why = f": {output.stderr}" if output.stderr else ""
        raise SourceError(FailureKind.COMMAND, f"{command[0]} ended with {output.exit_code}{why}")


async def _post(action: Action, body: bytes, limits: Limits, clock: Clock) -> None:
    from lictui.config.secrets import resolve_secret  # noqa: PLC0415 - few have a webhook
    from lictui.sources.webhook import is_transient, post  # noqa: PLC0415 - as above

    for pause in (*_PAUSES, None):
        secret = await resolve_secret(action.secret) if action.secret else ""
        try:
            await post(
                action.webhook, body, limits, at=clock.now(), secret=secret, verify=action.verify
            )
        except SourceError as error:
            if pause is None or not is_transient(error):
                raise
            await clock.sleep(pause)
        else:
            return
