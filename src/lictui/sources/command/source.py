"""Source `command`: runs a command of the user and reads its output, in one of eight formats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import Mode, Snapshot, Step
from lictui.sources.command.formats import (
    checkmk_snapshot,
    license_file_snapshot,
    lictui_snapshot,
    udadmin_snapshot,
)
from lictui.sources.command.powershell import licinventory_snapshot, wmi_snapshot
from lictui.sources.flexnet.source import lmstat_snapshot
from lictui.sources.program import ProgramSource
from lictui.sources.program_errors import command_label
from lictui.sources.source import config_error

if TYPE_CHECKING:
    from collections.abc import Callable


class CommandSource(ProgramSource):
    """Implements `Source` for a command of the user."""

    def _parse(self, text: str) -> Snapshot:
        label = command_label(self._server.command)
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        match self._server.format:
            case "get-licinventory" | "get-liclasinventory" as form:
                mode = Mode.FILE if form == "get-licinventory" else Mode.LAS
                available = self._server.licenses_available
                return licinventory_snapshot(text, label, mode, available=available)
            case "wmi-json":
                return wmi_snapshot(text, label, today)
            case "license-file":
                return license_file_snapshot(text, label, today)
            case form if read := _READERS.get(form):
                return read(text, label)
        raise config_error(
            f"unknown output format for {label}", "Set format in servers.toml.", Step.PARSE
        )


_READERS: Final[dict[str, Callable[[str, str], Snapshot]]] = {
    "checkmk": checkmk_snapshot,
    "lictui": lictui_snapshot,
    "lmstat": lmstat_snapshot,
    "udadmin": udadmin_snapshot,
}
