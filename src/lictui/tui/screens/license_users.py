"""License users: who uses a product now, asked on request. Nothing of it is stored or exported."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.containers import Vertical

from lictui.engine.license_users import reservation_text
from lictui.model import Level, count_text
from lictui.time_range import format_moment
from lictui.tui.screens.dialogs import Dialog
from lictui.tui.screens.main_screen import TableKeys
from lictui.tui.text import Line, Tone, format_age, format_count
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import UNLIMITED, KeyedTable, TableCell, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textual.app import ComposeResult

    from lictui.engine.answers import EngineAnswers
    from lictui.engine.license_users import LicenseUsers, VisibleUser


MAX_ROWS: Final = 1000
_COLUMNS: Final = (
    TableColumn("server", "Server", 12, rank=1),
    TableColumn("user", "User", 12, most=UNLIMITED),
    TableColumn("host", "Host", 10, rank=2),
    TableColumn("since", "Since", 16),
    TableColumn("age", "For", 7),
    TableColumn("count", "Count", 5, is_right=True),
    TableColumn("idle", "", 4, rank=3),  # shown by a glyph, too
)
_LONG_AGO: Final = 300 * 86400  # seconds after which the year is shown
_PRIVACY: Final = {"hide": "Names are hidden", "hash": "Names are hashed"}


def summary_line(answers: Sequence[LicenseUsers]) -> Line:
    """How many use how many licenses, and the sources."""
    users = [user for answer in answers for user in answer.users]
    licenses = sum(user.license_user.count for user in users)
    idle = sum(user.idle for user in users)
    names = dict.fromkeys(name for answer in answers for name in answer.sources)
    if not names:
        return (("No source can report license users.", Tone.WARN),)
    source = f"  source: {', '.join(names)}"
    reserved = sum(entry.count for answer in answers for entry in answer.reservations)
    reserved_text = f" · {format_count(reserved)} reserved" if reserved else ""
    if not users:
        return ((f"No licenses in use{reserved_text}", Tone.TEXT), (source, Tone.QUIET))
    first = f", first {format_count(MAX_ROWS)} shown" if len(users) > MAX_ROWS else ""
    idle_text = f" · {format_count(idle)} idle" if idle else ""
    return (
        (f"{count_text(licenses, 'license')}, {count_text(len(users), 'user')}", Tone.STRONG),
        (f"{first}{idle_text}{reserved_text}", Tone.STRONG),
        (source, Tone.QUIET),
    )


_MAX_RESERVATIONS: Final = 3  # in the details


class LicenseUsersScreen(TableKeys, Dialog[None]):
    """The license users of one product on some servers, over the screen below."""

    VIEW = "license_users"
    CSS = """
    LicenseUsersScreen {
        & > Vertical { height: 36; }
        & .-empty { height: auto; }
        & .-empty KeyedTable { display: none; }
        & KeyedTable { background: $panel; }
        & #details { padding-top: 1; max-height: 8; }
    }
    """

    def __init__(self, servers: tuple[str, ...], product: str, title: str) -> None:
        super().__init__()
        self._servers, self._product, self._title = servers, product, title
        self._answers: tuple[LicenseUsers, ...] = ()
        self._rows: dict[str, tuple[LicenseUsers, VisibleUser]] = {}  # the longest use first
        self._loading = False

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            self.set_titles(frame, f"License users: {self._title}")
            yield StyledLabel(id="summary")
            yield KeyedTable(self.lictui.symbols)
            yield StyledLabel(id="details")

    def on_mount(self) -> None:
        self.query(KeyedTable).focus()  # none if the screen is closed already
        self.action_again()

    def action_again(self) -> None:
        if self._loading:
            return
        self._loading = True
        line = ((f"Querying {', '.join(self._servers)} …", Tone.QUIET),)
        self.query_one("#summary", StyledLabel).show_lines(line)
        self._load()

    @work(group="license-users")
    async def _load(self) -> None:
        self._answers = await self.ask(self._query) or ()
        self._loading = False
        users = [(answer, user) for answer in self._answers for user in answer.users]
        users.sort(key=lambda entry: entry[1].license_user.since or math.inf)
        self._rows = {str(index): entry for index, entry in enumerate(users[:MAX_ROWS])}
        self.query_one("#summary", StyledLabel).show_lines(summary_line(self._answers))
        self._show_rows()

    async def _query(self, engine: EngineAnswers) -> tuple[LicenseUsers, ...]:
        return tuple(
            await asyncio.gather(
                *(engine.query_license_users(name, self._product) for name in self._servers)
            )
        )

    def _show_rows(self) -> None:
        self.table.show_rows(_COLUMNS, {key: self._cells(*row) for key, row in self._rows.items()})
        self.query_one(Vertical).set_class(bool(self._answers) and not self._rows, "-empty")
        self._show_details()

    def _cells(self, answer: LicenseUsers, visible: VisibleUser) -> Mapping[str, TableCell]:
        user, idle = visible.license_user, visible.idle
        tone = Tone.WARN if idle else Tone.TEXT
        glyph = self.lictui.symbols.level[Level.WARN] if idle else ""
        since = age = "?"
        if user.since is not None:
            long_ago = answer.at - user.since > _LONG_AGO
            since = format_moment(user.since, self.zone, year=long_ago)
            age = glyph + format_age(answer.at - user.since)
        return {
            "server": (answer.server if len(self._servers) > 1 else "", Tone.QUIET),
            "user": (user.user, Tone.STRONG),
            "host": (user.device, Tone.TEXT),
            "since": (since, tone, user.since),
            "age": (age, tone, user.since and -user.since),
            "count": (f"{user.count:,}", Tone.TEXT),
            "idle": ("idle" if idle else "", Tone.WARN),
        }

    @on(KeyedTable.CursorMoved)
    def _show_details(self) -> None:
        self.query_one("#details", StyledLabel).show_lines(*self._details())

    def _details(self) -> Iterator[Line]:
        """Failures, the selected row in words, and why names are not shown."""
        symbols = self.lictui.symbols
        for answer in self._answers:
            for server, failure in answer.failures:
                yield ((f"{symbols.failed} {server}: {failure.message}", Tone.CRITICAL),)
                if failure.hint:
                    yield ((f"{symbols.arrow} {failure.hint}", Tone.ACCENT),)
            for reservation in answer.reservations[:_MAX_RESERVATIONS]:
                yield ((reservation_text(reservation), Tone.TEXT),)
        _, user = self._rows.get(self.table.cursor, (None, None))
        if user is not None:
            state = "Assigned" if user.license_user.assigned else "Checked out"
            idle = ". Idle." if user.idle else ""
            if user.release:
                idle += " To release it, run on the license server (lictui does not run it):"
            yield ((state, Tone.TEXT), (idle if user.idle else "", Tone.WARN))
            if user.release:
                yield ((f"{symbols.arrow} {user.release}", Tone.ACCENT),)
        for privacy in dict.fromkeys(answer.privacy for answer in self._answers if answer.users):
            if privacy in _PRIVACY:
                hint = f'{_PRIVACY[privacy]}. To show them, set users = "show" in [privacy].'
                yield ((hint, Tone.QUIET),)

    def action_copy(self) -> None:
        """Copy the commands that would release idle assignments; nothing runs them."""
        users = [user for answer in self._answers for user in answer.users]
        lines = [user.release for user in users if user.release]
        if not lines:
            idle = any(user.idle for user in users)
            problem = "Not available while names are hidden" if idle else "No idle assignments"
            self.notify(problem, severity="warning")
            return
        count = f"{len(lines)} commands" if len(lines) > 1 else "1 command"
        self.lictui.copy_to_clipboard("\n".join(lines) + "\n", count)
