"""The orchestration API of one simulated site: which path answers what, and to whom.

Owns routes, the headers they demand, and the site's moods. Must not know JSON bodies or tokens.
Base paths are `/cvad/manage` and `/citrix/orchestration/api`; letter case does not matter, as in
Windows' own web server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.clock import iso
from lictui.simulator.cvad import bodies
from lictui.simulator.cvad.login import Login
from lictui.simulator.cvad.replies import error, instead, json_reply
from lictui.simulator.faults import spoiled
from lictui.simulator.http import listen
from lictui.simulator.inventory import Mood

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.certificate import Certificate
    from lictui.simulator.cvad.site import CurrentSite, Site
    from lictui.simulator.http import Connection, Listener, Reply, Request
    from lictui.simulator.inventory import CurrentMood, Inventory

_BASES: Final = ("/cvad/manage", "/citrix/orchestration/api")
_PREVIEW: Final = "/citrix/orchestration/api/techpreview"
_JOB: Final = "/cvad/manage/Jobs/get-license-summary"


async def serve_cvad(  # noqa: PLR0913 - a server has that many sides; all but four are named
    site: CurrentSite,
    inventory: Inventory,
    mood: CurrentMood,
    clock: Clock,
    *,
    username: str,
    password: str,
    certificate: Certificate | None,
    retry_after: int = 2,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    r"""Serve a site until `aclose`; `username` is `DOMAIN\user`, or a client id in the cloud.

    Tokens last an hour of `clock`; `retry_after` is what a busy or limiting site asks for, in
    seconds. OSError when the port is taken.
    """
    service = _Service(site, inventory, mood, Login(username, password, clock), clock, retry_after)
    return await listen(service.answer, host=host, port=port, certificate=certificate)


class _Service:
    """The HTTP side of one site."""

    def __init__(
        self,
        site: CurrentSite,
        inventory: Inventory,
        mood: CurrentMood,
        login: Login,
        clock: Clock,
        retry_after: int,
    ) -> None:
        self._site = site
        self._inventory = inventory
        self._mood = mood
        self._login = login
        self._clock = clock
        self._retry_after = retry_after

    async def answer(self, request: Request, connection: Connection) -> Reply | None:
        """What the site says to one request; None is silence."""
        del connection
        mood, site = self._mood(), self._site()
        if mood is Mood.SILENT:
            return None
        refusal = instead(mood, self._retry_after)
        if refusal is not None:
            return refusal
        path = request.path.lower().rstrip("/")
        if request.method == "POST":
            return self._token(request, site, path, deny=mood in {Mood.DENIED, Mood.EXPIRED})
        return self._stranger(request, site, mood) or self._told(request, site, mood, path)

    def _token(self, request: Request, site: Site, path: str, *, deny: bool) -> Reply:
        if not site.cloud and path in {f"{base}/tokens" for base in _BASES}:
            return self._login.on_premises(request, site, deny=deny)
        if site.cloud and path in {
            f"/cctrustoauth2/{customer.lower()}/tokens/clients"
            for customer in (site.customer, "root")
        }:
            return self._login.cloud(request, site, deny=deny)
        return _not_found(path)

    def _stranger(self, request: Request, site: Site, mood: Mood) -> Reply | None:
        """Why this request is not listened to, whatever it asks for."""
        if request.method != "GET":
            return error(405, "MethodNotAllowed", f"{request.method} is not allowed here.")
        if mood is Mood.DENIED or self._login.ends(request.headers) is None:
            return error(401, "Unauthorized", "The token is missing, not valid or has expired.")
        if request.headers.get("citrix-customerid", "").lower() != site.customer.lower():
            return error(401, "Unauthorized", "Citrix-CustomerId is missing or not this customer.")
        accept = request.headers.get("accept", "*/*")
        if "json" not in accept and "*/*" not in accept:
            return error(406, "NotAcceptable", "Only application/json is spoken here.")
        return None

    def _told(self, request: Request, site: Site, mood: Mood, path: str) -> Reply:
        what = _routes(site).get(path)
        if what is None or mood is Mood.ELSEWHERE:
            return _not_found(path)
        if what not in {"me", "site"} and not _names_instance(request, site):
            return error(400, "BadRequest", "Citrix-InstanceId is missing or not this site.")
        if what != "me" and mood is Mood.FORBIDDEN:
            return error(403, "Forbidden", "You do not have the permission to read this.")
        return spoiled(self._about(what, request, site, mood), mood)

    def _about(self, what: str, request: Request, site: Site, mood: Mood) -> Reply:
        licenses = () if mood is Mood.EMPTY else self._inventory()
        asks = {name: value.lower() == "true" for name, value in request.query.items()}
        match what:
            case "me":
                ends = self._login.ends(request.headers) or 0.0
                body = bodies.me(site, self._login.username, iso(ends))
            case "site":
                body = bodies.site_detail(site, licenses)
            case "alerts":
                body = bodies.error_warning(site)
            case "controllers":
                body = bodies.controllers(site, self._clock.now())
            case "job":
                body = {"Type": "GetLicenseSummary", "Status": "Complete"}
            case "overview" if asks.get("async"):
                return json_reply(None, status=202, headers=(("Location", _JOB),))
            case _:
                inventory = what == "result" or asks.get("includeInventory", False)
                body = bodies.overview(site, licenses, inventory=inventory)
        return json_reply(body)


def _routes(site: Site) -> dict[str, str]:
    """What each lower-case path is about; a site answers to its id and to its name."""
    customer = site.customer.lower()
    routes = {_JOB.lower(): "job", f"{_JOB}/results".lower(): "result"}
    for base in _BASES:
        routes[f"{base}/me"] = "me"
        routes[f"{base}/deliverycontrollers"] = "controllers"
    for name in (site.id.lower(), site.name.lower()):
        for base in _BASES:
            routes[f"{base}/sites/{name}"] = "site"
            routes[f"{base}/sites/{name}/errorwarning"] = "alerts"
        for base in (_BASES[1], _PREVIEW):
            routes[f"{base}/{customer}/{name}/deliverycontrollers"] = "controllers"
        if site.overview_path is not None:
            path = site.overview_path.lower()
            path = path.replace("{customer}", customer).replace("{site}", name)
            routes[path.rstrip("/")] = "overview"
    return routes


def _names_instance(request: Request, site: Site) -> bool:
    instance = request.headers.get("citrix-instanceid", "").lower()
    return instance in {site.id.lower(), site.name.lower()}


def _not_found(path: str) -> Reply:
    return error(404, "NotFound", f"There is nothing at {path}.")
