"""A Citrix Virtual Apps and Desktops site, read over the orchestration REST API."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from functools import cached_property, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
from msgspec import Struct
from msgspec.structs import replace

from lictui.model import FailureKind, Level, Mode, Notice, Server, Snapshot, State, Step, count_text
from lictui.sources.cvad_pools import (
    is_reachable,
    las_notices,
    pools_from_overview,
    pools_from_site,
    session_notices,
    site_activation,
    site_mode,
    site_notices,
)
from lictui.sources.http import HttpClient, HttpReply, HttpSource, reply_json, status_rules
from lictui.sources.network import is_loopback, require_encryption
from lictui.sources.sanitize import Record, parse_count, sanitize
from lictui.sources.sessions import (
    VALID_TOKEN,
    BearerSession,
    Token,
    api_error,
    basic_header,
    cloud_token,
    new_token,
)
from lictui.sources.source import (
    OnStep,
    SourceError,
    config_error,
    no_data_error,
    parse_error,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

    from lictui.clock import Clock


ADDRESS_HINT: Final = "Set url to the address of a Delivery Controller or of Citrix Cloud."
STATUS_RULES: Final = status_rules(
    {
        FailureKind.AUTH: (
            "user name or password rejected",
            r"Check username (DOMAIN\user) and the secret that servers.toml refers to.",
        ),
        FailureKind.FORBIDDEN: (
            "account has no permission to read licensing",
            "Give it the Read Only Administrator role; in Citrix Cloud, the Licensing permission.",
        ),
        FailureKind.NO_DATA: "Check url (a Delivery Controller with the REST API), site and"
        " customer_id.",
        FailureKind.RATE_LIMITED: "Raise interval. Requests of other tools that use this account"
        " count, too.",
        FailureKind.UNAVAILABLE: "Check the services of the Delivery Controller. lictui retries at"
        " the next poll.",
        FailureKind.PROTOCOL: ADDRESS_HINT,
    }
)


class CvadSource(HttpSource):
    """A site on premises or in Citrix Cloud; keeps connection, token, site and paths."""

    _site: CvadSite | None = None
    _sessions_due = 0.0  # monotonic seconds
    _session_notices: tuple[Notice, ...] = ()

    @cached_property
    def _session(self) -> BearerSession:
        return BearerSession(self._client, self._clock, self._sign_in, STATUS_RULES, "CWSAuth")

    @cached_property
    def _overview(self) -> PathSearch:
        paths = self._server.overview_paths or OVERVIEW_PATHS
        return PathSearch(paths, "includeInventory=true&async=false", self._clock)

    @cached_property
    def _controllers(self) -> PathSearch:
        return PathSearch(CONTROLLER_PATHS, "", self._clock)

    async def _read(self, on_step: OnStep) -> Snapshot:
        token = await self._session.token()
        account = token.principal or "the account in servers.toml"
        on_step(Step.AUTH, f"signed in as {account}")
        site = await self._find_site()
        details = await self._details(site)
        overview = await self._overview.get(self._session, site)
        controllers = await self._read_controllers(site)
        sessions = await self._read_sessions(site)
        if details is None and overview is None:
            raise no_licenses(site.name, Step.INVENTORY)
        path = self._overview.path or "site details only: no LicenseOverview found"
        on_step(Step.INVENTORY, f"site {site.name} · {path}")
        answers = await _decode(details), await _decode(overview), controllers
        is_cloud = bool(self._server.customer_id)
        snapshot = await self._parse(
            partial(build_snapshot, *answers, name=site.name, cloud=is_cloud)
        )
        on_step(Step.PARSE, count_text(len(snapshot.pools), "pool"))
        if sessions is not None:
            self._session_notices = session_notices(answers[0], sessions)
        return replace(snapshot, notices=snapshot.notices + self._session_notices)

    async def _sign_in(self, rejected: str) -> Token:
        if self._server.customer_id:
            return await cloud_token(self._server, self._client, self._clock, rejected)
        return await _site_token(self._server, self._client, self._clock)

    async def _find_site(self) -> CvadSite:
        if self._site is None:
            self._session.headers.clear()  # of a site that is gone
            customer_id = (await self._session.token()).customer_id
            self._site = await find_site(self._session, self._server.site, customer_id)
            self._session.headers["Citrix-InstanceId"] = quote(self._site.id)
        return self._site

    async def _details(self, site: CvadSite) -> HttpReply | None:
        """Return `Sites/{id}`; None if this release has none, or the site does not exist."""
        path = f"{site.base_path}/Sites/{quote(site.id, safe='')}"
        reply = await self._session.get(path)
        if reply.status == HTTPStatus.OK:
            return reply
        if reply.status != HTTPStatus.NOT_FOUND:
            raise self._session.error(reply)
        self._site = None  # perhaps renamed or replaced: find it again at the next poll
        return None

    async def _read_controllers(self, site: CvadSite) -> object:
        """Return the controllers, which know the LAS activation; None if they cannot be read."""
        if self._server.customer_id:
            return None  # Citrix runs the controllers of a cloud site
        try:
            reply = await self._optional(self._controllers.get(self._session, site))
            return await _decode(reply)
        except SourceError as error:
            if error.failure.state is State.DENIED:
                self._controllers.pause()
            return None

    async def _read_sessions(self, site: CvadSite) -> Counter[str] | None:
        """Return the sessions by state; None if they are not due, or cannot be read."""
        if self._clock.monotonic() < self._sessions_due:
            return None
        self._sessions_due = self._clock.monotonic() + SESSIONS_INTERVAL
        self._session_notices = ()  # never those of an earlier reading that could not be repeated
        with suppress(SourceError):
            return await self._optional(count_sessions(self._session, site))
        return None


async def _decode(reply: HttpReply | None) -> object:
    return await reply_json(reply, Step.PARSE) if reply else None


# Sign-in on premises

# Both are in use: the first is documented, the second is that of older releases.
TOKEN_PATHS: Final = ("/cvad/manage/Tokens", "/citrix/orchestration/api/tokens")
ON_PREMISES_CUSTOMER: Final = "CitrixOnPremises"


async def _site_token(server: Server, client: HttpClient, clock: Clock) -> Token:
    require_encryption(server.url)
    authorization = basic_header(server.username, await client.secret())
    headers = {"Authorization": authorization, "Accept": "application/json"}
    post = partial(client.request, "POST", step=Step.AUTH, headers=headers)
    _, reply = await first_existing(TOKEN_PATHS, post)
    if reply.status != HTTPStatus.OK:
        raise api_error(reply, STATUS_RULES, Step.AUTH)
    answer = Record(await reply_json(reply, Step.AUTH))
    expires = answer.time("ExpiresAt")
    token = new_token(answer.get("Token"), reply.address, clock, expires and expires - clock.now())
    customer = answer.get("CustomerId")
    if not isinstance(customer, str) or not VALID_TOKEN.fullmatch(customer):
        customer = ON_PREMISES_CUSTOMER
    return replace(token, customer_id=customer, principal=answer.text("Principal", 80))


async def first_existing(
    paths: Sequence[str],
    request: Callable[[str], Awaitable[HttpReply]],
    missing: Collection[int] = (HTTPStatus.NOT_FOUND,),
) -> tuple[str, HttpReply]:
    """Return the first of `paths` that exists, and its reply; "" and a page or error if none does.

    A path does not exist if its status is one of `missing`, or if it is a web page: a console
    returns its front page for any path that the API does not have.
    """
    replies: list[HttpReply] = []
    for path in paths:
        reply = await request(path)
        is_page = reply.status == HTTPStatus.OK and reply.is_markup
        if reply.status not in missing and not is_page:
            return path, reply
        replies.append(reply)
    return "", min(replies, key=lambda reply: reply.status)


# The snapshot


def build_snapshot(
    site: object, overview: object, controllers: object, *, name: str, cloud: bool
) -> Snapshot:
    """Return the snapshot of the site `name`; any of the answers may be None."""
    for answer, content in ((site, "site details"), (overview, "license overview")):
        if answer is not None and not isinstance(answer, dict):
            raise parse_error(
                f"unexpected API response for the {content} of site {name}", ADDRESS_HINT
            )
    pools, inventory_notices = pools_from_overview(overview)
    pools = pools or pools_from_site(site)
    notices = (*site_notices(site, overview), *inventory_notices)
    if not pools:
        raise no_licenses(name, Step.PARSE, notices)
    mode = Mode.CLOUD if cloud else site_mode(overview)
    if mode is Mode.LAS:
        notices += tuple(las_notices(controllers))
    return Snapshot(
        pools=pools,
        reported_name=name,
        version=Record(site).text("ProductVersion", 40),
        mode=mode,
        activation=None if mode is Mode.FILE else site_activation(controllers),
        notices=notices,
        license_server_host=_license_server(site, overview),
        license_server_reachable=is_reachable(overview),
    )


def _license_server(site: object, overview: object) -> str:
    """Return the host name of the site's license server; "" if it runs on a controller."""
    name = Record(site).text("LicenseServerName", 120)
    name = name or Record(overview).text("LicenseInformation.LicenseServer", 120)
    return "" if is_loopback(name) else name


def no_licenses(name: str, step: Step, notices: Iterable[Notice] = ()) -> SourceError:
    """Return the failure for the site `name` without license data; `notices` may explain it."""
    reasons = "".join(f"; {notice.title}" for notice in notices if notice.level is not Level.OK)
    return no_data_error(
        f"site {name} returned no license data{reasons}",
        "Check that the site has a license server with licenses. If it has, set overview_paths to"
        " the path of LicenseOverview in this release.",
        step,
    )


# Sites: the one that servers.toml names, or the only one

# The first is documented; the second is that of older releases and of a customer's own cloud host.
BASE_PATHS: Final = ("/cvad/manage", "/citrix/orchestration/api")
_MAX_LISTED: Final = 10  # site names in a message


class CvadSite(Struct, frozen=True):
    """A site, and the base path under which it was found."""

    id: str
    name: str
    base_path: str


async def find_site(session: BearerSession, name_or_id: str, customer_id: str) -> CvadSite:
    """Return the site `name_or_id` of the account; "" means the only one."""
    path, reply = await first_existing([f"{base}/me" for base in BASE_PATHS], session.get)
    if reply.status == HTTPStatus.OK:
        account = await reply_json(reply, Step.INVENTORY)
        sites = _sites(account, customer_id, path.removesuffix("/me"))
        return _choose(sites, name_or_id, reply.address)
    if reply.status == HTTPStatus.NOT_FOUND and name_or_id:
        return CvadSite(name_or_id, name_or_id, BASE_PATHS[0])
    raise session.error(reply)


def _sites(account: object, customer_id: str, base_path: str) -> list[CvadSite]:
    """Return the sites of the customer; of all customers if none has exactly this id."""
    customers = Record(account).records("Customers")
    own = [customer for customer in customers if customer.get("Id") == customer_id]
    return [
        CvadSite(site_id, site.text("Name") or site_id, base_path)
        for customer in own or customers
        for site in customer.records("Sites")
        if (site_id := site.text("Id"))
    ]


def _choose(sites: list[CvadSite], name_or_id: str, address: str) -> CvadSite:
    if not sites:
        raise SourceError(
            FailureKind.FORBIDDEN,
            f"no site of {address} is visible to this account",
            "Give it the Read Only Administrator role for the site.",
        )
    key = name_or_id.casefold()
    matching = [site for site in sites if key in (site.id.casefold(), site.name.casefold())]
    if matching:
        return matching[0]
    if len(sites) == 1 and not name_or_id:
        return sites[0]
    names = ", ".join(site.name for site in sites[:_MAX_LISTED])
    raise config_error(
        f"{address} has no site {sanitize(name_or_id)}; its sites are {names}"
        if name_or_id
        else f"{address} has several sites: {names}",
        "Set site to one of these names.",
        Step.INVENTORY,
    )


# Sessions: optional, and read rarely, since a large site has many pages of them

SESSIONS_INTERVAL: Final = 900.0  # seconds
_MAX_SESSION_PAGES: Final = 50  # of 1,000 sessions, the most that a site is documented to return
_MAX_CONTINUATION: Final = 4000  # characters


async def count_sessions(session: BearerSession, site: CvadSite) -> Counter[str] | None:
    """Return the sessions by state, without user names; None if they are too many or unreadable."""
    first = url = f"{site.base_path}/Sessions?limit=1000&fields=State"
    states: Counter[str] = Counter()
    for _ in range(_MAX_SESSION_PAGES):
        reply = await session.get(url, renew=False)
        if reply.status != HTTPStatus.OK:
            return None
        page = Record(await reply_json(reply, Step.INVENTORY))
        if not isinstance(page.get("Items"), list):
            return None
        states.update(row.text("State", 20) for row in page.records("Items"))
        token = page.get("ContinuationToken")
        if not token:
            return states
        if not isinstance(token, str) or len(token) > _MAX_CONTINUATION:
            return None
        url = f"{first}&continuationToken={quote(token, safe='')}"
    return None


# Responses whose path is not published

# LicenseOverview is documented for the technical preview of 2023 only (the last path); its models
# still exist and were extended for LAS in 2025. The first two paths are assumed.
OVERVIEW_PATHS: Final = (
    "/citrix/orchestration/api/{customer}/{site}/Licensing/LicenseOverview",
    "/cvad/manage/Licensing/LicenseOverview",
    "/citrix/orchestration/api/techpreview/{customer}/{site}/Licensing/LicenseOverview",
)
CONTROLLER_PATHS: Final = tuple(
    path.replace("Licensing/LicenseOverview", "DeliveryControllers") for path in OVERVIEW_PATHS
)
SEARCH_PAUSE: Final = 3600.0  # seconds until the paths are tried again, if none exists
_NOT_HERE: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,  # a path that this release interprets differently
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
_JOB_ATTEMPTS: Final = 5
_JOB_INTERVAL: Final = 1.0  # seconds between attempts, unless the server sets another
_MAX_JOB_INTERVAL: Final = 5


class PathSearch:
    """One response that may be at any of several paths: tried in order, the path remembered."""

    def __init__(self, paths: Iterable[str], query: str, clock: Clock) -> None:
        self._paths = tuple(paths)
        self._query = query
        self._clock = clock
        self._paused_until = 0.0  # monotonic seconds
        self.path = ""  # the path that returned data last

    async def get(self, session: BearerSession, site: CvadSite) -> HttpReply | None:
        """Return the first response with data; None if no path exists, now or recently."""
        if self._clock.monotonic() < self._paused_until:
            return None
        customer_id = (await session.token()).customer_id
        candidates = [_fill_in(path, customer_id, site) for path in self._paths]
        candidates.sort(key=lambda candidate: candidate != self.path)
        path, reply = await first_existing(candidates, partial(self._ask, session), _NOT_HERE)
        if not path:
            if self.path:
                self.path = ""  # it had data at the last poll: search again at the next
            else:
                self.pause()
            return None
        if reply.status != HTTPStatus.OK:
            raise session.error(reply)
        self.path = path
        return reply

    def pause(self) -> None:
        """Try no path for a while."""
        self.path = ""
        self._paused_until = self._clock.monotonic() + SEARCH_PAUSE

    async def _ask(self, session: BearerSession, path: str) -> HttpReply:
        """Return the reply of `path`, or the result of the job that the server starts (202)."""
        url = path if "?" in path or not self._query else f"{path}?{self._query}"
        reply, attempts = await session.get(url), 0
        while reply.status == HTTPStatus.ACCEPTED:
            if attempts == _JOB_ATTEMPTS:
                job = f"job {reply.quote(url)} of {reply.address}"
                raise SourceError(
                    FailureKind.TIMEOUT,
                    f"{job} not finished in {attempts} attempts",
                    "The site takes long to collect its licenses. lictui retries at the next poll.",
                )
            attempts += 1
            url = _job_url(url, reply.headers.get("location", ""), reply.address)
            interval = parse_count(reply.headers.get("retry-after")) or _JOB_INTERVAL
            await self._clock.sleep(min(interval, _MAX_JOB_INTERVAL))
            reply = await session.get(url)
        return reply


def _fill_in(path: str, customer_id: str, site: CvadSite) -> str:
    path = path.replace("{customer}", quote(customer_id, safe=""))
    path = path.replace("{site}", quote(site.id, safe=""))
    return "/" + path.lstrip("/")


def _job_url(url: str, location: str, address: str) -> str:
    """Return the path of a job; never on another host, which would receive our token."""
    with suppress(httpx.InvalidURL):
        asked = httpx.URL(f"https://{address}{url}")
        job = asked.join(location)
        is_here = job.netloc in (asked.netloc, address.encode())
        if location and is_here and not job.raw_path.startswith(b"//"):
            return job.raw_path.decode()
    raise SourceError(
        FailureKind.PROTOCOL,
        f"{address} started a job, but gave no location on this server for its result",
        "Set overview_paths to a path with async=false in its query.",
    )
