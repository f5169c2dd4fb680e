"""Opens the door of one simulated server, whatever its kind, and says how a client finds it.

Owns which protocol a kind is served with, the certificates, and the registration that fits. Must
not know the other servers, nor which files are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import Server, SourceName
from lictui.simulator.accounts import cloud_at, partner_at
from lictui.simulator.certificate import self_signed
from lictui.simulator.cloud.service import serve_cloud
from lictui.simulator.cvad import serve_cvad
from lictui.simulator.machines import open_machine
from lictui.simulator.partner.service import serve_partner
from lictui.simulator.sites import site_at
from lictui.simulator.stock import Kind
from lictui.simulator.winrm.service import serve_winrm

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.certificate import Certificate
    from lictui.simulator.estate import Estate
    from lictui.simulator.http import Listener
    from lictui.simulator.inventory import License, Mood
    from lictui.simulator.shell.install import Programs
    from lictui.simulator.stock import LicenseServer

_USER: Final = "svc-lictui"
_DOMAIN: Final = "CORP"
_AUTH: Final = {Kind.BASIC: "basic", Kind.NTLM: "ntlm", Kind.SEALED: "negotiate"}
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server is to listen, and the certificate that many share."""

    host: str
    port: int
    shared: Certificate | None

    def url(self, listener: Listener) -> str:
        """The origin that a client on this machine reaches it at."""
        return f"{listener.url.partition('://')[0]}://{self.near}:{listener.port}"

    @property
    def near(self) -> str:
        """The host that a client on this machine connects to."""
        return _ANYWHERE.get(self.host, self.host)


async def opened(
    estate: Estate,
    simulated: LicenseServer,
    clock: Clock,
    place: Place,
    password: str,
    programs: Programs | None,
) -> tuple[Server, Listener]:
    """The listening server, and what a client must know of it, its secret apart.

    `programs` are needed for machines. OSError when the port is taken.
    """
    door = _Door(estate, simulated, clock, place, password)
    if simulated.kind.is_machine:
        if programs is None:
            raise ValueError("a machine is reached with a program")
        return await open_machine(
            simulated, estate.seed, clock, place, (door.inventory, door.mood), programs
        )
    match simulated.kind:
        case Kind.CLOUD:
            return await door.cloud()
        case Kind.PARTNER:
            return await door.partner()
        case kind if kind.is_site:
            return await door.site()
    return await door.winrm()


class _Door:
    """One server, about to listen."""

    def __init__(
        self, estate: Estate, server: LicenseServer, clock: Clock, place: Place, password: str
    ) -> None:
        self._estate = estate
        self._server = server
        self._name = server.name
        self._clock = clock
        self._place = place
        self._password = password

    def inventory(self) -> tuple[License, ...]:
        return self._estate.inventory_at(self._name, self._clock.now())

    def mood(self) -> Mood:
        return self._estate.mood_at(self._name, self._clock.now())

    def _certificate(self) -> Certificate:
        return self._place.shared or self_signed(
            f"{self._name}.corp.example", now=self._estate.start
        )

    async def winrm(self) -> tuple[Server, Listener]:
        kind = self._server.kind
        certificate = None if kind is Kind.SEALED else self._certificate()
        user = _USER if kind is Kind.BASIC else f"{_DOMAIN}\\{_USER}"
        listener = await serve_winrm(
            self.inventory,
            self.mood,
            self._clock,
            name=self._name.upper(),
            username=user,
            password=self._password,
            certificate=certificate,
            host=self._place.host,
            port=self._place.port,
        )
        url = f"{self._place.url(listener)}/wsman"
        verify = _pin(certificate) if certificate else True
        server = Server(self._name, SourceName.WINRM, url, user, auth=_AUTH[kind], verify=verify)
        return server, listener

    async def site(self) -> tuple[Server, Listener]:
        certificate, user = self._certificate(), f"{_DOMAIN}\\{_USER}"
        listener = await serve_cvad(
            lambda: site_at(self._estate, self._server, self._clock.now()),
            self.inventory,
            self.mood,
            self._clock,
            username=user,
            password=self._password,
            certificate=certificate,
            host=self._place.host,
            port=self._place.port,
        )
        url = self._place.url(listener)
        return Server(self._name, SourceName.CVAD, url, user, verify=_pin(certificate)), listener

    async def cloud(self) -> tuple[Server, Listener]:
        certificate, customer = self._certificate(), _customer(self._name)
        listener = await serve_cloud(
            lambda: cloud_at(self._server, self._clock.now()),
            self.mood,
            self._clock,
            customer_id=customer,
            client_id=_USER,
            secret=self._password,
            certificate=certificate,
            host=self._place.host,
            port=self._place.port,
        )
        server = Server(
            self._name,
            SourceName.CITRIX_CLOUD,
            self._place.url(listener),
            _USER,
            verify=_pin(certificate),
            customer_id=customer,
        )
        return server, listener

    async def partner(self) -> tuple[Server, Listener]:
        certificate, customer = self._certificate(), _customer(self._name)
        listener = await serve_partner(
            lambda month: partner_at(self._server, self._clock.now(), month),
            self.mood,
            self._clock,
            customer_id=customer,
            client_id=_USER,
            secret=self._password,
            certificate=certificate,
            host=self._place.host,
            port=self._place.port,
        )
        url = self._place.url(listener)
        server = Server(
            self._name,
            SourceName.PARTNER,
            url,
            _USER,
            verify=_pin(certificate),
            customer_id=customer,
            trust_url=url,
        )
        return server, listener


def _customer(name: str) -> str:
    return name.replace("-", "")


def _pin(certificate: Certificate) -> str:
    return f"sha256:{certificate.fingerprint}"
