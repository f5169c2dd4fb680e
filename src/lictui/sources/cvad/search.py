"""Answers whose path is not published: tried in order, and remembered.

Owns the paths where the license inventory and the controllers may be. Must not know what they say.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from lictui.model import FailureKind, Step
from lictui.sources.clean import text, whole
from lictui.sources.cvad.answers import refusal
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.clock import Clock
    from lictui.sources.cvad.session import Session
    from lictui.sources.cvad.sites import Site
    from lictui.sources.http import Reply

# The operation is documented for the technical preview of 2023 alone (the last path); its models
# live on, and were extended for LAS in 2025. The first two are where it is believed to be now.
OVERVIEW: Final = (
    "/citrix/orchestration/api/{customer}/{site}/Licensing/LicenseOverview",
    "/cvad/manage/Licensing/LicenseOverview",
    "/citrix/orchestration/api/techpreview/{customer}/{site}/Licensing/LicenseOverview",
)
CONTROLLERS: Final = tuple(
    path.replace("Licensing/LicenseOverview", "DeliveryControllers") for path in OVERVIEW
)
REST: Final = 3600.0  # seconds until paths that all led nowhere are tried again
_NOWHERE: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,  # a path that means nothing to this release
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
_LOOKS: Final = 5  # at a job that is still under way
_LOOK_EVERY: Final = 1.0  # seconds, unless the server says otherwise
_LONGEST_LOOK: Final = 5  # seconds


class Search:
    """One answer that may be at any of several paths."""

    def __init__(self, paths: Iterable[str], query: str, clock: Clock) -> None:
        self._paths = tuple(paths)
        self._query = query
        self._clock = clock
        self._rests_until = 0.0
        self.path = ""  # the one that answered last, as it was asked

    async def get(self, session: Session, site: Site) -> Reply | None:
        """The first answer that is no "not here"; None if there is none, or was none lately.

        Raises SourceError for every other failure.
        """
        if self._clock.monotonic() < self._rests_until:
            return None
        customer = await session.customer()
        candidates = [_filled(path, customer, site) for path in self._paths]
        for path in sorted(candidates, key=lambda path: path != self.path):
            url = path if "?" in path or not self._query else f"{path}?{self._query}"
            reply = await self._finished(session, url, await session.get(url))
            if reply.status == HTTPStatus.OK and not _is_page(reply):
                self.path = path
                return reply
            if reply.status not in _NOWHERE and not _is_page(reply):
                raise refusal(reply, session.where, path, Step.INVENTORY)
        self.rest()
        return None

    def rest(self) -> None:
        """Ask no path for a while."""
        self.path = ""
        self._rests_until = self._clock.monotonic() + REST

    async def _finished(self, session: Session, url: str, reply: Reply) -> Reply:
        """The answer itself, when the server began a job for it and told where to look (202)."""
        for _ in range(_LOOKS):
            if reply.status != HTTPStatus.ACCEPTED:
                return reply
            url = _own(url, reply.headers.get("location", ""), session)
            asked = whole(reply.headers.get("retry-after"))
            await self._clock.sleep(min(asked or _LOOK_EVERY, _LONGEST_LOOK))
            reply = await session.get(url)
        if reply.status != HTTPStatus.ACCEPTED:
            return reply
        raise SourceError(
            FailureKind.TIMEOUT,
            f"{session.where} is still at work on {text(url)} after {_LOOKS} looks",
            "The site is slow to sum up its licenses; it is asked again at the next poll.",
            Step.INVENTORY,
        )


def _filled(path: str, customer: str, site: Site) -> str:
    filled = path.replace("{customer}", quote(customer, safe=""))
    filled = filled.replace("{site}", quote(site.id, safe=""))
    return "/" + filled.lstrip("/")


def _is_page(reply: Reply) -> bool:
    """Whether a console's front page came, as it does for any path that the API does not have."""
    return reply.status == HTTPStatus.OK and reply.body.lstrip().startswith(b"<")


def _own(url: str, location: str, session: Session) -> str:
    """Where to look next; never another host, which would be handed our token."""
    try:
        target = urlsplit(urljoin(f"https://{session.where}{url}", location))
    except ValueError:
        target = urlsplit("")
    same = target.netloc in {session.where, session.where.rpartition(":")[0]}
    if not (location and same and re.match("/[^/]", target.path)):
        raise SourceError(
            FailureKind.PROTOCOL,
            f"{session.where} began a job, but does not say where to look for it on this server",
            "Set overview_paths to a path with async=false in its query.",
            Step.INVENTORY,
        )
    return target._replace(scheme="", netloc="", fragment="").geturl()
