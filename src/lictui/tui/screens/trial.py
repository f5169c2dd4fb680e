"""The test in the registration form: its steps as they end, and what they tell about the server.

Owns the findings and the panel they stand in. Must not know how a server is tested (the engine),
nor what is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.engine.merge import mains, same_hosts
from lictui.errors import LictuiError
from lictui.tui.ink import Tone
from lictui.tui.screens import steps
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.engine.board import Board
    from lictui.model import Finding, Server
    from lictui.tui.engine import Engine
    from lictui.tui.ink import Line
    from lictui.tui.symbols import Symbols


class Trial(Prose):
    """Below the fields: the steps of the test, or what went wrong."""

    DEFAULT_CSS = "Trial { padding: 0 0 1 0; }"

    def __init__(self, symbols: Symbols, told: Callable[[], None]) -> None:
        super().__init__(id="steps")
        self._symbols = symbols
        self._told = told  # called whenever something else stands here
        self._findings: list[Finding] = []

    @property
    def passed(self) -> bool:
        """Whether the last test went through."""
        return bool(self._findings) and self._findings[-1].ok

    async def run(self, engine: Engine, server: Server) -> None:
        """Try `server`; every step shows as it ends."""
        self._findings = []
        self._show(running=True)
        try:
            async for finding in engine.test(server):
                self._findings.append(finding)
                self._show(running=finding.ok)
        except LictuiError as error:
            self.complain(error.message, error.hint)
            return
        self._show(running=False)

    def complain(self, text: str, hint: str = "") -> None:
        """Say what went wrong where the steps stand."""
        said: list[Line] = [((f"{self._symbols.failed} {text}", Tone.CRITICAL),)]
        if hint:
            said.append(((f"  {self._symbols.arrow} {hint}", Tone.ACCENT),))
        self._tell(*said)

    def pin(self, verify: str) -> str:
        """The certificate that could be pinned: it is not trusted, or nobody looks at it."""
        for finding in self._findings:
            pin = f"sha256:{finding.fingerprint}"
            trusted = finding.ok and verify != "false"
            if finding.fingerprint and not trusted and pin != verify:
                return pin
        return ""

    def twin(self, board: Board, name: str) -> tuple[str, str]:
        """The host that answered, and the registered server that is it too; "" if none is.

        `name` is what the tested server itself is called, or was.
        """
        hosts = tuple(host for finding in self._findings for host in finding.hosts)
        leads = mains(status.server for status in board.servers)
        found = [
            other
            for other in (leads.get(it, it) for it in same_hosts(board, hosts))
            if other != name
        ]
        return (hosts[0], found[0]) if hosts and found else ("", "")

    def _show(self, *, running: bool) -> None:
        width = self.screen.size.width - 4  # padding and scrollbar
        self._tell(*steps.lines(self._findings, width, self._symbols, running=running))

    def _tell(self, *lines: Line) -> None:
        self.say(*lines)
        self._told()
