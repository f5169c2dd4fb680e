"""A copy of a part of the history, for somebody else: without what only this lictui needs.

A scrubbed copy has other names of servers, and of what servers and users wrote only products and
figures.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.analysis.series import Resolution
from lictui.clock import DAY
from lictui.history import blocks, pools
from lictui.history.errors import sqlite_errors
from lictui.history.json_codec import from_json, to_json
from lictui.history.rollup import EMPTY, FOREVER
from lictui.model import EventKind, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lictui.history.store import History

_NAMED: Final = ("pool", "last_poll", "monthly_usage", "event")
_OWN: Final = ("alert", "acknowledgement", "lease", "license_grant")
# Events whose text is made of figures and products alone
_FIGURES: Final = frozenset({EventKind.LEVEL, EventKind.LICENSES})
_PERSON: Final = re.compile(r"\bby .+?(?= until |:|$)")
_ADDRESS: Final = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\[?[0-9a-fA-F]*:[0-9a-fA-F:]{3,}\]?")


def copy_span(
    history: History, target: Path, start: int, end: int, names: Mapping[str, str] | None = None
) -> None:
    """Write what happened in [start, end] to a new file; `names` are those of a scrubbed copy.

    `names` has every server and other names to replace. Raises HistoryError.
    """
    with sqlite_errors(history.path):
        history._db.execute("VACUUM INTO ?", (str(target),))  # noqa: SLF001 - of this package
    with sqlite_errors(target), closing(sqlite3.connect(target, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("BEGIN")
        _cut(db, start, end)
        _strip(db, names)
        if names is not None:
            _rename(db, names)
        db.execute("COMMIT")
        db.execute("VACUUM")  # nothing of what was deleted stays in the file


def _cut(db: sqlite3.Connection, start: int, end: int) -> None:
    day = start // DAY * DAY
    for pool in pools.all_pools(db):
        if pool.since > end or (pool.ended is not None and pool.ended < start):
            blocks.drop_all(db, pool.id)
            for table in ("reading", "capacity"):
                db.execute(f"DELETE FROM {table} WHERE pool = ?", (pool.id,))
            db.execute("DELETE FROM pool WHERE id = ?", (pool.id,))
            continue
        for width in Resolution:
            blocks.drop_before(db, pool.id, width, day)
            blocks.write_rollups(db, pool.id, width, EMPTY, (end + 1, FOREVER))
    # The state of a server at the start is in the last event before it.
    db.execute(
        "DELETE FROM event WHERE time > :end OR (time < :start AND id NOT IN"
        " (SELECT id FROM (SELECT id, max(time) FROM event WHERE kind = 'server'"
        " AND time <= :start GROUP BY server)))",
        {"start": start, "end": end},
    )
    db.execute("DELETE FROM reading WHERE time > ?", (end,))
    db.execute("DELETE FROM monthly_usage WHERE month_start > ?", (end,))


def _strip(db: sqlite3.Connection, names: Mapping[str, str] | None) -> None:
    for table in _OWN:
        db.execute(f"DELETE FROM {table}")
    rows = db.execute("SELECT server, snapshot FROM last_poll").fetchall()
    for server, text in rows:
        snapshot = from_json(Snapshot, text)
        if snapshot and names is not None:
            snapshot = Snapshot(
                tuple(replace(pool, vendor="", raw_fields=()) for pool in snapshot.pools),
                *("", snapshot.version, snapshot.mode),
            )
        db.execute(
            "UPDATE last_poll SET failure = NULL, snapshot = ? WHERE server = ?",
            (to_json(snapshot) if snapshot else None, server),
        )


def _rename(db: sqlite3.Connection, names: Mapping[str, str]) -> None:
    for table in _NAMED:
        for (server,) in db.execute(f"SELECT DISTINCT server FROM {table}").fetchall():
            # A new name may be the old one of another server: it is marked until all have theirs.
            new = f"\n{names[server]}" if server else ""
            db.execute(f"UPDATE {table} SET server = ? WHERE server = ?", (new, server))
        db.execute(f"UPDATE {table} SET server = ltrim(server, char(10))")
    known = sorted(filter(None, names), key=len, reverse=True)
    names_in_text = "|".join(map(re.escape, known)) or "(?!)"
    pattern = re.compile(rf"(?<!\w)(?:{names_in_text})(?!\w)", re.IGNORECASE)
    lower = {name.lower(): new for name, new in names.items()}
    for number, kind, product, text in db.execute(
        "SELECT id, kind, product, message FROM event"
    ).fetchall():
        said: str = text
        about_figures = kind in _FIGURES or (kind == EventKind.ALERT and product)
        if not about_figures:
            said = text.partition(": ")[0] + (": removed" if ": " in text else "")
        said = _PERSON.sub("by somebody", _ADDRESS.sub("address", said))
        said = pattern.sub(lambda match: lower[match[0].lower()], said)
        db.execute("UPDATE event SET message = ? WHERE id = ?", (said, number))
