"""The port behind a simulated machine's programs: what is run there, and what its mood does to it.

Owns the way between the `client` and a machine: the arguments come as the query, the output goes as
the body, status and standard error as headers. Must not know what a program prints.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.simulator.flexnet import unreachable
from lictui.simulator.http import Reply, listen
from lictui.simulator.inventory import Mood
from lictui.simulator.shell.printed import Printed

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.http import Connection, Listener, Request
    from lictui.simulator.inventory import CurrentMood, Inventory
    from lictui.simulator.shell.machine import Machine

SSH: Final = "/ssh"  # a command for the shell over there
LMUTIL: Final = "/lmutil"  # arguments of a program over here
_LOST: Final = 255  # ssh's own exit status
_KILLED: Final = 137  # what a shell makes of SIGKILL
_BUSY: Final = 3
_NOT_FOUND: Final = 404
_HUGE: Final = 11 * 1024 * 1024  # bytes
_REFUSED: Final = '(-15,570:111 "Connection refused")'
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>\r\n"
# What becomes of a command on the way to another machine.
_REFUSED_THERE: Final = {
    Mood.DENIED: "{user}@{name}: Permission denied (publickey,password,keyboard-interactive).",
    Mood.EXPIRED: "Your account has expired; please contact your system administrator.",
    Mood.FORBIDDEN: "exec request failed on channel 0",
}
# What a program prints whatever it was asked.
_INSTEAD: Final = {
    Mood.LOGIN_PAGE: Printed(_PAGE),
    Mood.BUSY: Printed(stderr="the license service is busy; try again later", status=_BUSY),
    Mood.LIMITED: Printed(stderr="too many requests; try again later", status=_BUSY),
    Mood.GARBAGE: Printed(bytes(range(256)) * 16),
    Mood.HUGE: Printed(b"x" * 79 + b"\n", status=0),
}


async def serve_shell(
    machine: Machine,
    inventory: Inventory,
    mood: CurrentMood,
    clock: Clock,
    *,
    user: str = "svc-lictui",
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    """Run programs of `machine` until `aclose`. OSError when the port is taken."""
    front = _Front(machine, inventory, mood, clock, user)
    return await listen(front.answer, host=host, port=port)


class _Front:
    """The HTTP side of one machine."""

    def __init__(
        self, machine: Machine, inventory: Inventory, mood: CurrentMood, clock: Clock, user: str
    ) -> None:
        self._machine = machine
        self._inventory = inventory
        self._mood = mood
        self._clock = clock
        self._user = user

    async def answer(self, request: Request, connection: Connection) -> Reply | None:
        """What a program run there leaves behind."""
        del connection
        argv = [request.query[str(at)] for at in range(len(request.query))]
        mood = self._mood()
        if not argv or request.path not in (SSH, LMUTIL):
            return Reply(_NOT_FOUND)
        if mood is Mood.SILENT:
            return None
        printed = self._lmutil(argv, mood) if request.path == LMUTIL else self._ssh(argv, mood)
        headers = (
            ("Content-Type", "application/octet-stream"),
            ("X-Status", str(printed.status)),
            ("X-Stderr", quote(printed.stderr)),
        )
        body = printed.stdout
        if mood is Mood.HUGE:
            body = body * (_HUGE // len(body))
        return Reply(200, headers, body, cut=printed.cut)

    def _ssh(self, argv: list[str], mood: Mood) -> Printed:
        if sentence := _REFUSED_THERE.get(mood):
            said = sentence.format(user=self._user, name=self._machine.name)
            return Printed(stderr=said, status=_LOST)
        if mood is Mood.ELSEWHERE:
            return self._machine.run(["elsewhere"], (), 0.0)
        if mood is Mood.EMPTY:
            return Printed()
        words = shlex.split(" ".join(argv))  # ssh sends one line, and a shell reads it
        if "|" in words:
            words = [words[words.index("|") + 1]]  # which is no program, but PowerShell's own
        printed = self._run(words, mood)
        if mood is Mood.HALF:
            lost = f"Connection to {self._machine.name} closed by remote host."
            return replace(printed, stderr=lost, status=_LOST)
        return printed

    def _lmutil(self, argv: list[str], mood: Mood) -> Printed:
        if mood in _REFUSED_THERE or mood in {Mood.ELSEWHERE, Mood.BUSY, Mood.LIMITED}:
            text = unreachable(self._clock.now(), _REFUSED, self._machine.layout)
            return Printed(text.encode(), status=1)
        if mood is Mood.EMPTY:
            return self._machine.run(argv, (), self._clock.now())
        return self._run(argv, mood)

    def _run(self, argv: list[str], mood: Mood) -> Printed:
        if printed := _INSTEAD.get(mood):
            return printed
        printed = self._machine.run(argv, self._inventory(), self._clock.now())
        if mood is Mood.HALF:
            return replace(printed, status=_KILLED, cut=True)
        return printed
