"""SOAP of the simulated WinRM server: instances, fragments and faults of one envelope."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.winrm.wsman import (
    LICENSES,
    NIL,
    POOLS,
    TYPE,
    WMI,
    answer,
    code,
    enumerate_,
    envelope,
    find,
    products,
    text,
)

if TYPE_CHECKING:
    from tests.simulator.winrm.wsman import Service

    from lictui.simulator.winrm_server import SoapService


async def test_instance_is_typed_and_qualified(soap: SoapService) -> None:
    root = await enumerate_(soap)
    pool = find(root, ".//w:Items/p:Citrix_GT_License_Pool")
    assert pool.get(TYPE) == "p:Citrix_GT_License_Pool_Type"
    assert text(pool, "p:Count") == "550"  # overdraft included
    assert text(pool, "p:Overdraft") == "50"
    assert text(pool, "p:InUseCount") == "412"
    assert text(pool, "p:PooledAvailable") == "138"
    assert text(pool, "p:PLDFullName") == "Citrix XenDesktop Platinum|User/Device"
    assert text(pool, "p:LicenseType") == "Retail"
    assert text(pool, "p:SubscriptionDate/cim:Datetime") == "2026-12-01T00:00:00Z"
    assert (text(pool, "p:VendorString") or "").startswith(";LT=Retail;")
    nil = [child.tag.rpartition("}")[2] for child in pool if child.get(NIL) == "true"]
    assert nil == ["DUP_GROUP", "FLOAT_OK", "HOST_BASED", "HOSTID", "PLATFORMS", "USER_BASED"]


async def test_projection_is_a_fragment_of_unqualified_children(soap: SoapService) -> None:
    query = "select subscriptiondate, hostid, pld from citrix_gt_license_pool"
    root = await enumerate_(soap, query)
    fragment = find(root, ".//w:Items/w:XmlFragment")
    assert [child.tag for child in fragment] == ["HOSTID", "PLD", "SubscriptionDate"]
    assert fragment[0].get(NIL) == "true"
    assert fragment.findtext("PLD") == "XDT_PLT_UD"
    assert fragment.findtext("SubscriptionDate/Datetime") == "2026-12-01T00:00:00Z"


async def test_fault_has_code_machine_and_message(soap: SoapService) -> None:
    root = await enumerate_(soap, "SELECT * FROM Citrix_GT_Nothing", status=500)
    assert text(root, "s:Header/a:Action") == "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
    assert text(root, "s:Header/a:RelatesTo") == "uuid:1&2"
    fault = find(root, "s:Body/s:Fault")
    assert text(fault, "s:Code/s:Subcode/s:Value") == "n:CannotProcessFilter"
    outer = find(fault, "s:Detail/f:WSManFault")
    inner = find(outer, "f:Message/f:ProviderFault/f:WSManFault")
    assert (outer.get("Code"), inner.get("Code")) == ("2150858778", "2150858778")
    assert outer.get("Machine") == "lic-01"
    said = "The specified class does not exist in the given namespace."
    assert text(fault, "s:Reason/s:Text") == text(inner, "f:Message") == said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"resource": WMI + "root/Nowhere/*"}, str(0x8004100E)),
        ({"resource": "http://example.org/*"}, "2150858811"),
        ({"query": "SELECT Nothing FROM Citrix_GT_License_Pool"}, "2150858778"),
        ({"query": f"{POOLS} WHERE Nothing='1'"}, "2150858778"),
        ({"query": f"{POOLS} WHERE PLD"}, "2150858778"),
        ({"query": f"{POOLS} WHERE PLD='x' OR"}, "2150858778"),
        ({"query": "SELECT PLD, FROM Citrix_GT_License_Pool"}, "2150858778"),
        ({"query": "SELECT * FROM Citrix_GT_License_Pool; DROP TABLE x"}, "2150858778"),
        ({"query": f"{POOLS} WHERE (PLD='x')"}, "2150858778"),
        ({"query": "DROP TABLE licenses"}, "2150858778"),
        ({"query": ""}, "2150858778"),
        ({"dialect": "http://www.w3.org/TR/1999/REC-xpath-19991116"}, "2150858777"),
        ({"headers": "<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"}, "2150858823"),
        ({"headers": "<w:MaxEnvelopeSize>big</w:MaxEnvelopeSize>"}, "2150858817"),
    ],
)
async def test_invalid_enumeration_is_a_fault(
    soap: SoapService, changes: dict[str, Any], expected: str
) -> None:
    assert code(await enumerate_(soap, status=500, **changes)) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (b"", "2150858819"),
        (b"<s:Envelope", "2150858819"),
        (b"\xff\xfe\x00", "2150858819"),
        (b"<?xml version='1.0' encoding='nonsense'?><a/>", "2150858819"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "2150858819"),
        (b"<html><body/></html>", "2150858817"),
        (envelope("Enumerate", ""), "2150858817"),
        (envelope("Pull", "<n:Pull/>"), "2150858779"),
        (envelope("Renew", "<n:Renew/>"), "2150858753"),
    ],
)
async def test_invalid_request_is_a_fault(soap: SoapService, asked: bytes, expected: str) -> None:
    assert code(await answer(soap, asked, 500)) == expected


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[/x]<&>\"'", "[/x]<&>\"'"),
        ("\u202eÜnïcode 授权", "\u202eÜnïcode 授权"),
        ("a\x1b[31m\x00\x07\ud800\uffff", "a\ufffd[31m\ufffd\ufffd\ufffd\ufffd"),
    ],
)
async def test_instance_keeps_every_character_that_xml_allows(
    service: Service, name: str, shown: str
) -> None:
    soap = service((replace(LICENSES[0], product=name),))
    assert products(await enumerate_(soap)) == [shown]
