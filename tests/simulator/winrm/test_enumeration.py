"""Sequences: Enumerate, Pull, Release, and the bounds of an envelope."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from defusedxml.ElementTree import fromstring
from tests.simulator.winrm.wsman import (
    LICENSES,
    NAMESPACES,
    POOLS,
    code,
    context_of,
    enumerate_,
    envelope,
    find,
    products,
    pull,
)

if TYPE_CHECKING:
    from tests.simulator.winrm.wsman import Service

    from lictui.simulator.winrm_server import SoapService


async def test_first_reply_has_one_item_and_pull_the_others(soap: SoapService) -> None:
    first = await enumerate_(soap)
    assert len(find(first, "s:Body/n:EnumerateResponse/w:Items")) == 1
    assert first.find(".//w:EndOfSequence", NAMESPACES) is None
    second = await pull(soap, context_of(first))
    assert products(first) + products(second) == ["XDT_PLT_UD", "PVS_STD_CCS", "CITRIX"]
    find(second, "s:Body/n:PullResponse/n:EndOfSequence")
    assert second.find(".//w:EndOfSequence", NAMESPACES) is None
    assert context_of(second) == ""


@pytest.mark.parametrize("count", [0, 1])
async def test_enumeration_may_end_with_the_first_reply(service: Service, count: int) -> None:
    only = await enumerate_(service(LICENSES[:count]))
    assert len(find(only, "s:Body/n:EnumerateResponse/w:Items")) == count
    find(only, "s:Body/n:EnumerateResponse/w:EndOfSequence")
    assert context_of(only) == ""


async def test_oldest_of_too_many_open_enumerations_is_dropped(soap: SoapService) -> None:
    oldest = context_of(await enumerate_(soap))
    newest = ""
    for _ in range(1000):
        newest = context_of(await enumerate_(soap))
    assert code(await pull(soap, oldest, status=500)) == "2150858779"
    assert len(products(await pull(soap, newest))) == 2


async def test_query_selects_rows_by_any_of_its_conditions(soap: SoapService) -> None:
    root = await enumerate_(soap, f"{POOLS} WHERE PLD='citrix' or LicenseType = 'RetailS'")
    rest = await pull(soap, context_of(root))
    assert products(root) + products(rest) == ["PVS_STD_CCS", "CITRIX"]
    assert products(await enumerate_(soap, f"{POOLS} WHERE PLD = 'CITRIX '")) == []


async def test_envelope_is_at_most_max_envelope_size(service: Service) -> None:
    soap = service(LICENSES[:1] * 50)
    first = await enumerate_(soap)
    context, sizes = context_of(first), []
    headers = "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>"
    while context:
        inside = (
            f"<n:Pull><n:EnumerationContext>{context}</n:EnumerationContext>"
            "<n:MaxElements>100</n:MaxElements></n:Pull>"
        )
        _, said = soap.answer(envelope("Pull", inside, headers=headers))
        assert len(said) <= 8192
        sizes.append(len(products(fromstring(said))))
        context = context_of(fromstring(said))
    assert sum(sizes) == 49
    assert max(sizes) > 3


async def test_item_that_fits_no_envelope_is_a_fault(service: Service) -> None:
    soap = service((replace(LICENSES[0], full_name="x" * 9000),))
    headers = "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>"
    assert code(await enumerate_(soap, headers=headers, status=500)) == "2150858824"
