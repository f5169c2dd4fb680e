"""A Citrix site: token, site and inventory, read over the orchestration API."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from lictui.model import FailureKind, Mode, Server, Snapshot, State, Step
from lictui.sources.cvad.pools import (
    pools_from_overview,
    pools_from_site,
    site_activation,
    site_notices,
)
from lictui.sources.cvad.session import CvadSession, error_for_status, first_existing
from lictui.sources.http import HttpClient, HttpReply, get_field, json_rows, reply_json
from lictui.sources.sanitize import parse_count, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits


# The snapshot of a site


_NOTHING: Final = (
    "Check that the site has a license server with licenses. If so, set overview_paths"
    " to a path of this release."
)


def build_snapshot(
    site: object, overview: object, controllers: object, *, name: str, cloud: bool
) -> Snapshot:
    """Return the snapshot of the site `name`; each of the replies may be None.

    Raises SourceError: `parse` for an unexpected reply, `no_data` without pools.
    """
    for answer, what in ((site, "site details"), (overview, "license overview")):
        if answer is not None and not isinstance(answer, dict):
            raise SourceError(
                FailureKind.PARSE,
                f"unexpected API response for the {what} of {name}",
                "Check that the URL is that of a Delivery Controller or of Citrix Cloud.",
                Step.PARSE,
            )
    pools = pools_from_overview(overview) or pools_from_site(site)
    if not pools:
        raise no_licenses(name, Step.PARSE)
    mode = Mode.CLOUD if cloud else _mode(overview)
    return Snapshot(
        pools=pools,
        reported_name=name,
        version=sanitize(get_field(site, "ProductVersion"), 40),
        mode=mode,
        activation=None if mode is Mode.FILE else site_activation(controllers),
        notices=site_notices(site, overview),
    )


def no_licenses(name: str, step: Step) -> SourceError:
    """Return the failure for a site without license data."""
    return SourceError(
        FailureKind.NO_DATA, f"the site {name} returned no license data", _NOTHING, step
    )


def _mode(overview: object) -> Mode | None:
    """Return LAS or license files, as reported; the site's own setting takes precedence."""
    information = get_field(overview, "LicenseInformation")
    uses_las = get_field(information, "UseLicenseActivationService")
    if isinstance(uses_las, bool):
        return Mode.LAS if uses_las else Mode.FILE
    if get_field(information, "LicenseServerStatus") == "LasCompatible":
        return Mode.LAS
    if json_rows(get_field(overview, "LicenseLasInventories")):
        return Mode.LAS
    return None if overview is None else Mode.FILE


# Selection of the site: the one named in servers.toml, or the only one


# The first is documented; the second is that of older releases and of a customer's own cloud host.
BASE_PATHS: Final = ("/cvad/manage", "/citrix/orchestration/api")
_LISTED: Final = 10  # names in a message


@dataclass(frozen=True, slots=True)
class CvadSite:
    """One site, and the base path at which it was found."""

    id: str
    name: str
    base: str


async def find_site(session: CvadSession, wanted: str, customer: str) -> CvadSite:
    """Return the site `wanted` (name or id; "" for the only one).

    Raises SourceError: `config` if the choice is not clear, `forbidden` if there is none.
    """
    path, reply = await first_existing(tuple(f"{base}/me" for base in BASE_PATHS), session.get)
    if reply.status == HTTPStatus.OK:
        me = reply_json(reply, session.address, Step.INVENTORY)
        return _chosen(_sites(me, customer, path.removesuffix("/me")), wanted, session.address)
    if reply.status == HTTPStatus.NOT_FOUND and wanted:
        return CvadSite(wanted, wanted, BASE_PATHS[0])
    raise error_for_status(reply, session.address, path, Step.INVENTORY)


def _sites(me: object, customer: str, base: str) -> list[CvadSite]:
    """Return the sites of the customer; all sites if its id is spelled differently there."""
    customers = json_rows(get_field(me, "Customers"))
    own = [each for each in customers if get_field(each, "Id") == customer]
    return [
        CvadSite(identity, sanitize(get_field(site, "Name")) or identity, base)
        for each in own or customers
        for site in json_rows(get_field(each, "Sites"))
        if (identity := sanitize(get_field(site, "Id")))
    ]


def _chosen(sites: list[CvadSite], wanted: str, where: str) -> CvadSite:
    names = ", ".join(site.name for site in sites[:_LISTED])
    if not sites:
        raise SourceError(
            FailureKind.FORBIDDEN,
            f"{where} has no site that is visible to this account",
            "Assign the Read Only Administrator role for the site.",
            Step.INVENTORY,
        )
    if wanted:
        lowered = wanted.casefold()
        matching = [site for site in sites if lowered in (site.id.casefold(), site.name.casefold())]
        if matching:
            return matching[0]
        raise SourceError(
            FailureKind.CONFIG,
            f"{where} has no site {sanitize(wanted)}, but {names}",
            "Set site to one of these names.",
            Step.INVENTORY,
        )
    if len(sites) > 1:
        raise SourceError(
            FailureKind.CONFIG,
            f"{where} has several sites: {names}",
            "Set site to one of these names.",
            Step.INVENTORY,
        )
    return sites[0]


# Replies whose path is not published: candidates are tried in order, and remembered


# The operation is documented only for the technical preview of 2023 (the last path); its models
# live on, and were extended for LAS in 2025. The first two are where it is assumed to be now.
OVERVIEW_PATHS: Final = (
    "/citrix/orchestration/api/{customer}/{site}/Licensing/LicenseOverview",
    "/cvad/manage/Licensing/LicenseOverview",
    "/citrix/orchestration/api/techpreview/{customer}/{site}/Licensing/LicenseOverview",
)
CONTROLLER_PATHS: Final = tuple(
    path.replace("Licensing/LicenseOverview", "DeliveryControllers") for path in OVERVIEW_PATHS
)
SEARCH_PAUSE: Final = 3600.0  # seconds until paths that all failed are tried again
_NOWHERE: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,  # a path that this release does not have
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
_LOOKS: Final = 5  # at a running job
_LOOK_EVERY: Final = 1.0  # seconds, unless the server says otherwise
_LONGEST_LOOK: Final = 5  # seconds


class PathSearch:
    """A reply that may be at any of several paths."""

    def __init__(self, paths: Iterable[str], query: str, clock: Clock) -> None:
        self._paths = tuple(paths)
        self._query = query
        self._clock = clock
        self._rests_until = 0.0
        self.path = ""  # the path that answered last, as requested

    async def get(self, session: CvadSession, site: CvadSite) -> HttpReply | None:
        """Return the first reply other than "not found"; None if there is, or was recently, none.

        Raises SourceError for every other failure.
        """
        if self._clock.monotonic() < self._rests_until:
            return None
        customer = await session.customer_id()
        candidates = [_filled(path, customer, site) for path in self._paths]
        for path in sorted(candidates, key=lambda path: path != self.path):
            url = path if "?" in path or not self._query else f"{path}?{self._query}"
            reply = await self._finished(session, url, await session.get(url))
            if reply.status == HTTPStatus.OK and not _is_page(reply):
                self.path = path
                return reply
            if reply.status not in _NOWHERE and not _is_page(reply):
                raise error_for_status(reply, session.address, path, Step.INVENTORY)
        self.pause()
        return None

    def pause(self) -> None:
        """Do not try any path for a while."""
        self.path = ""
        self._rests_until = self._clock.monotonic() + SEARCH_PAUSE

    async def _finished(self, session: CvadSession, url: str, reply: HttpReply) -> HttpReply:
        """Return the final reply if the server started a job (202) and said where to look."""
        for _ in range(_LOOKS):
            if reply.status != HTTPStatus.ACCEPTED:
                return reply
            url = _own(url, reply.headers.get("location", ""), session)
            asked = parse_count(reply.headers.get("retry-after"))
            await self._clock.sleep(min(asked or _LOOK_EVERY, _LONGEST_LOOK))
            reply = await session.get(url)
        if reply.status != HTTPStatus.ACCEPTED:
            return reply
        raise SourceError(
            FailureKind.TIMEOUT,
            f"{session.address} did not finish the job {sanitize(url)} after {_LOOKS} attempts",
            "The site is slow to compute its licenses. The next poll tries again.",
            Step.INVENTORY,
        )


def _filled(path: str, customer: str, site: CvadSite) -> str:
    filled = path.replace("{customer}", quote(customer, safe=""))
    filled = filled.replace("{site}", quote(site.id, safe=""))
    return "/" + filled.lstrip("/")


def _is_page(reply: HttpReply) -> bool:
    """Return whether a console's front page came, as it does for unknown paths."""
    return reply.status == HTTPStatus.OK and reply.body.lstrip().startswith(b"<")


def _own(url: str, location: str, session: CvadSession) -> str:
    """Return where to look next; never another host, which would get our token."""
    try:
        target = urlsplit(urljoin(f"https://{session.address}{url}", location))
    except ValueError:
        target = urlsplit("")
    same = target.netloc in {session.address, session.address.rpartition(":")[0]}
    if not (location and same and re.match("/[^/]", target.path)):
        raise SourceError(
            FailureKind.PROTOCOL,
            f"{session.address} started a job without a location on this server",
            "Set overview_paths to a path with async=false in its query.",
            Step.INVENTORY,
        )
    return target._replace(scheme="", netloc="", fragment="").geturl()


class CvadSource:
    """A Citrix site, on-premises or in Citrix Cloud; keeps connection, token, site and paths."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server = server
        self._link = HttpClient(server, limits, transport)
        self._session = CvadSession(server, self._link, clock)
        self._site: CvadSite | None = None
        self._overview = PathSearch(
            server.overview_paths or OVERVIEW_PATHS, "includeInventory=true&async=false", clock
        )
        self._controllers = PathSearch(CONTROLLER_PATHS, "", clock)

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read the site once, within the time-out of a poll."""
        async with self._link.deadline():
            found(Step.AUTH, f"signed in as {await self._session.sign_in()}")
            site = await self._known_site()
            details = await self._details(site)
            overview = await self._overview.get(self._session, site)
            controllers = await self._activation(site)
        if details is None and overview is None:
            raise no_licenses(site.name, Step.INVENTORY)
        where = self._overview.path or "only site details (no LicenseOverview found)"
        found(Step.INVENTORY, f"site {site.name} · {where}")
        result = build_snapshot(
            self._decoded(details),
            self._decoded(overview),
            controllers,
            name=site.name,
            cloud=bool(self._server.customer_id),
        )
        count = len(result.pools)
        found(Step.PARSE, f"{count} pool{'' if count == 1 else 's'}")
        return replace(result, certificate=self._link.certificate)

    async def aclose(self) -> None:
        """Close the connection; the token remains valid."""
        await self._link.aclose()

    async def _known_site(self) -> CvadSite:
        if self._site is None:
            customer = await self._session.customer_id()
            self._site = await find_site(self._session, self._server.site, customer)
            self._session.site_id = self._site.id
        return self._site

    async def _details(self, site: CvadSite) -> HttpReply | None:
        """Return `Sites/{id}`; None if this release lacks it, or the site is gone."""
        path = f"{site.base}/Sites/{quote(site.id, safe='')}"
        reply = await self._session.get(path)
        if reply.status == HTTPStatus.OK:
            return reply
        if reply.status != HTTPStatus.NOT_FOUND:
            raise error_for_status(reply, self._session.address, path, Step.INVENTORY)
        self._site = None  # perhaps renamed or replaced: look again at the next poll
        return None

    async def _activation(self, site: CvadSite) -> object:
        """Return the controllers, which alone know the activation; optional."""
        if self._server.customer_id:
            return None  # the controllers of a cloud site are not the customer's
        try:
            return self._decoded(await self._controllers.get(self._session, site))
        except SourceError as error:
            if error.failure.state is State.DENIED:
                self._controllers.pause()
            return None

    def _decoded(self, reply: HttpReply | None) -> object:
        return reply_json(reply, self._session.address, Step.PARSE) if reply else None
