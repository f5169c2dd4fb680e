"""`lictui history`: the local history out and in, what it comes to, and less of it on disk.

Owns the group; one module per command. Exit 2 if there is no history or it cannot be used.
"""

from __future__ import annotations

import click

from lictui.cli.history.export import export
from lictui.cli.history.journal import journal
from lictui.cli.history.licenses import import_licenses
from lictui.cli.history.peaks import peaks
from lictui.cli.history.take import take
from lictui.cli.history.upkeep import compact, stats


@click.group()
def history() -> None:
    """Look after the local history."""


for _command in (export, take, import_licenses, peaks, journal, stats, compact):
    history.add_command(_command)
