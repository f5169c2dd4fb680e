"""One conversation: a question, and page after page until the server says that was all.

Owns the order of Enumerate and Pull, and the bounds of a server that never ends. Must not know
what the items mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from lictui.model import FailureKind, Step
from lictui.sources.winrm import refusals
from lictui.sources.winrm.envelope import Question
from lictui.sources.winrm.reply import Fault, NotAReplyError, UnreadableError, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.config.settings import Limits
    from lictui.sources.http import Reply
    from lictui.sources.source import SourceError
    from lictui.sources.winrm.endpoint import Endpoint
    from lictui.sources.winrm.login import Login
    from lictui.sources.winrm.reply import Item, Page

_MOST_PAGES: Final = 2_000  # a server may send its items one by one
_MOST_EMPTY: Final = 3  # pages in a row without an item, that are not the last
_PATIENCE: Final = 0.8  # of our own time-out: the server's own word is better than silence


class Enumeration:
    """Enumerates one endpoint; `let_in` hears the identity once, with the first answer."""

    def __init__(
        self, endpoint: Endpoint, login: Login, limits: Limits, let_in: Callable[[str], None]
    ) -> None:
        self._endpoint, self._login, self._limits = endpoint, login, limits
        self._let_in: Callable[[str], None] | None = let_in

    async def instances(self, namespace: str, wql: str) -> list[Item]:
        """Every instance that `wql` selects in `namespace`, at least as spelled by the server.

        Raises SourceError: for a fault, for an answer that is none, and for a list without end.
        """
        patience = max(1, int(_PATIENCE * self._limits.timeout))
        question = Question(self._endpoint.url, namespace, wql, patience)
        found: list[Item] = []
        context, size, empty = "", 0, 0
        for _ in range(_MOST_PAGES):
            page, received = await self._page(question, context)
            found += page.items
            context = page.context or context  # each page may bring a new one: the last counts
            size += received
            empty = 0 if page.items else empty + 1
            if page.last:
                return found
            if not context:
                raise self._broken_off("it neither ends nor says how to go on")
            if size > self._limits.max_reply:
                raise self._broken_off(
                    f"{len(found):,} items came, and more would", FailureKind.TOO_LARGE
                )
            if empty > _MOST_EMPTY:
                raise self._broken_off("page after page is empty")
        raise self._broken_off(f"{_MOST_PAGES:,} pages came, and more would", FailureKind.TOO_LARGE)

    async def _page(self, question: Question, context: str) -> tuple[Page, int]:
        """The next page, and its size in bytes."""
        message = f"uuid:{uuid4()}"
        soap = question.pull(message, context) if context else question.enumerate(message)
        reply = await self._login.post(soap)
        if self._let_in:
            self._let_in(self._login.identity)
            self._let_in = None
        return self._read(reply, message), len(reply.body)

    def _read(self, reply: Reply, message: str) -> Page:
        where = self._endpoint.where
        try:
            answer = read(reply.body, message)
        except NotAReplyError as error:
            if reply.status != 200:  # noqa: PLR2004 - HTTP's own number for "here it is"
                raise refusals.by_status(reply, where, Step.INVENTORY) from error
            kind = FailureKind.PARSE if isinstance(error, UnreadableError) else FailureKind.PROTOCOL
            raise refusals.unreadable(error, where, kind) from error
        if isinstance(answer, Fault):
            raise refusals.faulted(answer, where)
        return answer

    def _broken_off(self, reason: str, kind: FailureKind = FailureKind.PROTOCOL) -> SourceError:
        return refusals.broken_off(self._endpoint.where, reason, kind)
