"""Actions on alert events, as configured in [actions]: commands, webhooks and messages.

Every action has a queue and a task of its own: one that hangs delays neither polling nor another
action, and its events stay in order. A failing action is logged once, and once when it recovers.
Events that wait are kept in a file, so that a restart loses none: an event may then arrive twice,
under the same ID.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import deque
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from lictui.config.secrets import is_reference
from lictui.config.settings import Action, Limits, http_url
from lictui.config.toml_document import InvalidValue
from lictui.engine.alert_state import event_json
from lictui.errors import LictuiError
from lictui.model import AlertEvent, Event, EventKind, FailureKind, Level
from lictui.paths import write_private
from lictui.sources.process import run_blocking, run_program
from lictui.sources.secrets import resolve_secret
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lictui.clock import Clock

    LogEvent = Callable[[Event], None]

_log = logging.getLogger(__name__)
_QUEUE_LENGTH: Final = 200  # events waiting for one action; beyond that, the oldest are dropped
_RETRIES: Final = (2.0, 10.0, 60.0, 300.0, 1800.0)  # seconds before another try
_MAX_OUTPUT: Final = 64 * 1024  # bytes that a command may print; its output is not used
_MAX_AGE: Final = 86400.0  # seconds; an older event helps nobody after a restart
_FILE_TIMEOUT: Final = 10.0  # seconds


class Message(NamedTuple):
    """An event for one action, as `lictui.event/1`; its ID is the same at every try."""

    action: str
    id: str
    at: float
    document: dict[str, Any]

    @classmethod
    def of(cls, action: Action, event: AlertEvent) -> Message:
        """Return the message of an event."""
        document = event_json(event)
        text = json.dumps([action.name, document], sort_keys=True)
        message_id = f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
        return cls(action.name, message_id, event.time, document)


class ActionRunner:
    """Passes alert events to every action that is configured for them."""

    def __init__(
        self,
        clock: Clock,
        log_event: LogEvent,
        actions: tuple[Action, ...] = (),
        file: Path | None = None,
    ) -> None:
        self.actions = actions
        self._clock = clock
        self._log_event = log_event
        self._file = file
        self._queues: dict[str, _ActionQueue] = {}
        self.restoring: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._saved: tuple[Message, ...] = ()

    def submit(self, events: Iterable[AlertEvent]) -> None:
        """Queue the events for the actions they match. Neither waits nor raises."""
        events = tuple(events)
        for action in self.actions:
            self._put(action, [Message.of(action, e) for e in events if action.matches(e)])

    def restore(self) -> None:
        """Queue what waited when lictui ended, if its action still exists. Does not wait."""
        if self._file is not None:
            self.restoring = asyncio.create_task(self._read(self._file), name="actions restored")

    async def _read(self, file: Path) -> None:
        try:
            text = await run_blocking("actions file", file.read_bytes, _FILE_TIMEOUT)
            messages = [Message(*row) for row in json.loads(text)]
            oldest, known = self._clock.now() - _MAX_AGE, {each.id for each in self._waiting()}
            recent = [each for each in messages if each.at > oldest and each.id not in known]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            _log.warning("%s cannot be read: %s", file, error)
            return
        by_name = {action.name: action for action in self.actions}
        for name, group in groupby(recent, key=lambda message: message.action):
            if name in by_name:
                self._put(by_name[name], list(group))

    def _put(self, action: Action, messages: list[Message]) -> None:
        if not messages or not (action.command or action.webhook or action.notify):
            return
        queue = self._queues.get(action.name)
        if queue is None:
            queue = _ActionQueue(action, self._clock, self._log_event, self._save)
            self._queues[action.name] = queue
        queue.put(action, messages)
        self._save()

    def _save(self) -> None:
        """Write what waits, in a task: simultaneous events are written together."""
        if self._file is not None and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(self._write(self._file), name="actions file")

    async def _write(self, file: Path) -> None:
        while (waiting := self._waiting()) != self._saved:
            self._saved = waiting
            data = json.dumps(waiting, ensure_ascii=False).encode()
            try:
                await run_blocking(
                    "actions file", partial(write_private, file, data), _FILE_TIMEOUT
                )
            except (OSError, TimeoutError) as error:
                _log.warning("%s cannot be written: %s", file, error)

    def _waiting(self) -> tuple[Message, ...]:
        return tuple(message for queue in self._queues.values() for message in queue.messages)

    async def close(self) -> None:
        """End running actions, commands with all their children. Safe to call twice."""
        tasks = [queue.task for queue in self._queues.values() if queue.task]
        if self._saving is not None:
            await asyncio.wait((self._saving,), timeout=1.0)
            tasks.append(self._saving)
        if self.restoring is not None:
            tasks.append(self.restoring)
        self._queues.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _ActionQueue:
    """One action as it is configured now, and what waits for it, the current event first."""

    def __init__(
        self, action: Action, clock: Clock, log_event: LogEvent, save: Callable[[], None]
    ) -> None:
        self.task: asyncio.Task[None] | None = None
        self.messages: deque[Message] = deque(maxlen=_QUEUE_LENGTH)
        self._action = action
        self._clock = clock
        self._log_event = log_event
        self._save = save
        self._failing = False
        self._overflowing = False  # reported until no event waits

    def put(self, action: Action, messages: list[Message]) -> None:
        self._action = action
        if len(self.messages) + len(messages) > _QUEUE_LENGTH and not self._overflowing:
            self._overflowing = True
            _log.warning("action %s: events are dropped", action.name)
            self._report(
                f"more than {_QUEUE_LENGTH} events are waiting: the oldest are dropped", Level.WARN
            )
        self.messages.extend(messages)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._work(), name=f"action {action.name}")

    async def _work(self) -> None:
        while self.messages:
            message = self.messages[0]
            try:
                await _act(self._action, message, self._clock)
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
            if self.messages and self.messages[0] is message:  # it may have been dropped
                self.messages.popleft()
            self._save()
        self._overflowing = False

    def _report_failure(self, reason: str) -> None:
        _log.warning("action %s failed: %s", self._action.name, reason)
        if not self._failing:
            self._failing = True
            self._report(f"failed: {reason}", Level.WARN)

    def _report(self, text: str, level: Level) -> None:
        message = f"action {self._action.name}: {text}"
        self._log_event(Event(self._clock.now(), EventKind.ACTION, "", message, "", level))


async def _act(action: Action, message: Message, clock: Clock) -> None:
    limits = replace(
        Limits(), timeout=action.timeout, connect_timeout=action.timeout, max_reply=_MAX_OUTPUT
    )
    if action.command:
        body = json.dumps(message.document, ensure_ascii=False).encode()
        output = await run_program(action.command, limits, stdin=body + b"\n")
        if output.exit_code:
            reason = f": {output.stderr}" if output.stderr else ""
            program = action.command[0]
            failure = f"{program} exited with code {output.exit_code}{reason}"
            raise SourceError(FailureKind.COMMAND, failure)
    if action.webhook:
        await _retried(lambda: _post(action, message, limits, clock), clock)
    if action.notify:
        await _retried(lambda: _notify(action, message), clock)


async def _retried(act: Callable[[], Any], clock: Clock) -> None:
    from lictui.sources.webhook import is_transient

    for pause in (*_RETRIES, None):
        try:
            await act()
        except SourceError as error:
            if pause is None or not is_transient(error):
                raise
            await clock.sleep(pause)
        else:
            return


async def _post(action: Action, message: Message, limits: Limits, clock: Clock) -> None:
    from lictui.sources.webhook import post

    secret = await resolve_secret(action.secret) if action.secret else ""
    url = action.webhook
    if is_reference(url):
        try:
            url = http_url(await resolve_secret(url))
        except InvalidValue as error:
            raise SourceError(FailureKind.CONFIG, f"{action.webhook}: {error.message}") from None
    headers = {
        name: await resolve_secret(value) if is_reference(value) else value
        for name, value in action.headers.items()
    }
    await post(
        url,
        _body(action, message.document),
        limits,
        now=clock.now(),
        message_id=message.id,
        secret=secret,
        headers=headers,
        verify=action.verify,
    )


def _body(action: Action, document: dict[str, Any]) -> bytes:
    """Return what is posted: the event as JSON, or the template with its values."""
    if not action.body:
        return json.dumps(document, ensure_ascii=False).encode()
    from lictui.config.template import render

    try:
        return render(action.body, document).encode()
    except ValueError as error:
        reason = f"the body cannot be made: {error}; write {{{{ message | tojson }}}} in JSON"
        raise SourceError(FailureKind.CONFIG, reason) from None


async def _notify(action: Action, message: Message) -> None:
    from lictui.sources.notify import send_message

    services = [await resolve_secret(service) for service in action.notify]
    document, is_over = message.document, message.document["event"] == "cleared"
    level = Level.OK if is_over else Level(document["level"])
    title = f"lictui: {'resolved' if is_over else document['level']}: {document['server']}"
    await send_message(
        action.name, services, title, document["message"], level, max(action.timeout, 1.0)
    )
