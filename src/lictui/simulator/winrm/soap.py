"""What a license server answers to one SOAP envelope, however it came.

Owns the actions, the faults of permission, quota and time, and the ids. Must not know HTTP.
"""

from __future__ import annotations

import uuid
from itertools import count
from typing import TYPE_CHECKING

from lictui.simulator.inventory import Mood
from lictui.simulator.winrm import envelope
from lictui.simulator.winrm.classes import license_increment, license_pool, services
from lictui.simulator.winrm.enumeration import Enumerations
from lictui.simulator.winrm.envelope import IDENTITY, Fault, N, W

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.inventory import CurrentMood, Inventory, License
    from lictui.simulator.winrm.classes import CimClass


class SoapService:
    """One server's side of WS-Management."""

    def __init__(
        self,
        name: str,
        inventory: Inventory,
        mood: CurrentMood,
        clock: Clock,
        *,
        latency: float,
        licensing: bool,
    ) -> None:
        self._name = name
        self._inventory = inventory
        self._mood = mood
        self._clock = clock
        self._latency = latency
        self._licensing = licensing
        self._ids = count(1)
        self._enumerations = Enumerations(self._classes, self._new_id)

    async def answer(self, asked: bytes) -> tuple[int, bytes]:
        """HTTP status and envelope of the answer."""
        relates_to = ""
        try:
            call = envelope.read(asked)
            relates_to = call.message_id
            await self._wait(call.timeout)
            action, body = self._act(call)
        except Fault as fault:
            return 500, envelope.fault(fault, self._new_id(), relates_to, self._name)
        return 200, envelope.reply(action, self._new_id(), relates_to, body)

    async def _wait(self, at_most: float) -> None:
        await self._clock.sleep(min(self._latency, at_most))
        if self._latency > at_most:
            raise Fault("w:TimedOut", 2150858793, "It takes longer than OperationTimeout.")

    def _act(self, call: envelope.Call) -> tuple[str, str]:
        """The action and the body of the answer."""
        match self._mood():
            case Mood.FORBIDDEN:
                raise Fault("w:AccessDenied", 5, "Access is denied.")
            case Mood.LIMITED:
                raise Fault(
                    "w:QuotaLimit",
                    2150859174,
                    "This user has as many operations open at once as are allowed.",
                )
        if call.body.find(f"{{{IDENTITY}}}Identify") is not None:
            return "", _identity()
        match call.action.removeprefix(f"{N}/"):
            case "Enumerate":
                return f"{N}/EnumerateResponse", self._enumerations.enumerate(call)
            case "Pull":
                return f"{N}/PullResponse", self._enumerations.pull(call)
            case "Release":
                return f"{N}/ReleaseResponse", self._enumerations.release(call)
        raise Fault("a:ActionNotSupported", 2150858753, "The action is not supported.")

    def _classes(self) -> tuple[CimClass, ...]:
        held: tuple[License, ...] = () if self._mood() is Mood.EMPTY else self._inventory()
        licensing = (license_pool(held), license_increment(held)) if self._licensing else ()
        return (*licensing, services())

    def _new_id(self) -> str:
        made = uuid.uuid5(uuid.NAMESPACE_DNS, f"{self._name}/{next(self._ids)}")
        return f"uuid:{str(made).upper()}"


def _identity() -> str:
    return (
        f'<i:IdentifyResponse xmlns:i="{IDENTITY}">'
        f"<i:ProtocolVersion>{W}</i:ProtocolVersion>"
        "<i:ProductVendor>Microsoft Corporation</i:ProductVendor>"
        "<i:ProductVersion>OS: 10.0.20348 SP: 0.0 Stack: 3.0</i:ProductVersion>"
        "</i:IdentifyResponse>"
    )
