"""The reader of each format that a command may print.

Owns the choice by the word in servers.toml. Pure; imports only the reader that is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.model import FailureKind, Mode, Step
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from datetime import date

    from lictui.model import Server, Snapshot


def read(said: str, server: Server, where: str, today: date) -> Snapshot:  # noqa: PLR0911 - one each
    """The snapshot in `said`, by `server.format`; `today` is the day in UTC. Raises SourceError."""
    match server.format:
        case "get-licinventory" | "get-liclasinventory":
            from lictui.sources.command.licinventory import (  # noqa: PLC0415 - one format only
                licinventory_snapshot,
            )

            mode = Mode.LAS if server.format == "get-liclasinventory" else Mode.FILE
            return licinventory_snapshot(said, where, mode, available=server.licenses_available)
        case "wmi-json":
            from lictui.sources.command.wmi import wmi_snapshot  # noqa: PLC0415 - one format only

            return wmi_snapshot(said, where, today)
        case "checkmk":
            from lictui.sources.command.checkmk import (  # noqa: PLC0415 - one format only
                checkmk_snapshot,
            )

            return checkmk_snapshot(said, where)
        case "lictui":
            from lictui.sources.command.elsewhere import (  # noqa: PLC0415 - one format only
                lictui_snapshot,
            )

            return lictui_snapshot(said, where)
        case "license-file":
            from lictui.sources.command.license_pools import (  # noqa: PLC0415 - one format only
                license_file_snapshot,
            )

            return license_file_snapshot(said, where, today)
        case "lmstat":
            from lictui.sources.flexnet.lmstat import (  # noqa: PLC0415 - one format only
                lmstat_snapshot,
            )

            return lmstat_snapshot(said, where)
        case "udadmin":
            from lictui.sources.flexnet.udadmin import (  # noqa: PLC0415 - one format only
                udadmin_snapshot,
            )

            return udadmin_snapshot(said, where)
    raise SourceError(
        FailureKind.CONFIG,
        f"{where} is to print a format that lictui does not know",
        "Set format in servers.toml.",
        Step.PARSE,
    )
