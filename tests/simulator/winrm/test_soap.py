"""SOAP of the simulated WinRM server: instances, faults, and the pages of an enumeration."""

from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from msgspec.structs import replace
from tests.simulator.winrm.wsman import LICENSES, LICENSING, NAMESPACES, POOLS, WMI, WQL, envelope

from lictui.simulator import FaultMode, License
from lictui.simulator.winrm_server import SoapService

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def service(licenses: tuple[License, ...] = LICENSES) -> SoapService:
    """A server without HTTP around it."""
    return SoapService("lic-01", lambda: licenses, lambda: FaultMode.NORMAL)


@pytest.fixture
def soap() -> SoapService:
    return service()


def answer(soap: SoapService, asked: bytes, status: int = 200) -> Element:
    got, said = soap.answer(asked)
    assert got == status, said
    root: Element = fromstring(said)
    return root


def enumerate_(
    soap: SoapService,
    query: str = POOLS,
    resource: str = LICENSING,
    optimize: str = "<w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>",
    dialect: str = WQL,
    status: int = 200,
) -> Element:
    filter_ = f'<w:Filter Dialect="{dialect}">{query}</w:Filter>' if query else ""
    body = f"<n:Enumerate>{optimize}{filter_}</n:Enumerate>"
    return answer(soap, envelope("Enumerate", body, resource), status)


def pull(
    soap: SoapService,
    context: str,
    most: str = "<n:MaxElements>100</n:MaxElements>",
    action: str = "Pull",
    resource: str = LICENSING,
    status: int = 200,
) -> Element:
    inside = f"<n:EnumerationContext>{context}</n:EnumerationContext>{most}"
    return answer(soap, envelope(action, f"<n:{action}>{inside}</n:{action}>", resource), status)


def find(root: Element, path: str) -> Element:
    found = root.find(path, NAMESPACES)
    assert found is not None, path
    return found


def text(root: Element, path: str) -> str | None:
    return root.findtext(path, None, NAMESPACES)


def context_of(root: Element) -> str:
    return text(root, ".//n:EnumerationContext") or ""


def products(root: Element) -> list[str | None]:
    return [pool.text for pool in root.findall(".//p:PLD", NAMESPACES)]


def code(root: Element) -> str | None:
    return find(root, "s:Body/s:Fault/s:Detail/f:WSManFault").get("Code")


def test_instance_is_typed_and_qualified(soap: SoapService) -> None:
    root = enumerate_(soap)
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


def test_projection_is_a_fragment_of_unqualified_children(soap: SoapService) -> None:
    query = "select subscriptiondate, hostid, pld from citrix_gt_license_pool"
    root = enumerate_(soap, query)
    fragment = find(root, ".//w:Items/w:XmlFragment")
    assert [child.tag for child in fragment] == ["HOSTID", "PLD", "SubscriptionDate"]
    assert fragment[0].get(NIL) == "true"
    assert fragment.findtext("PLD") == "XDT_PLT_UD"
    assert fragment.findtext("SubscriptionDate/Datetime") == "2026-12-01T00:00:00Z"


def test_fault_has_code_machine_and_message(soap: SoapService) -> None:
    root = enumerate_(soap, "SELECT * FROM Citrix_GT_Nothing", status=500)
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
    ],
)
def test_invalid_enumeration_is_a_fault(
    soap: SoapService, changes: dict[str, Any], expected: str
) -> None:
    assert code(enumerate_(soap, status=500, **changes)) == expected


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[/x]<&>\"'", "[/x]<&>\"'"),
        ("\u202eÜnïcode 授权", "\u202eÜnïcode 授权"),
        ("a\x1b[31m\x00\x07\ud800\uffff", "a\ufffd[31m\ufffd\ufffd\ufffd\ufffd"),
    ],
)
def test_instance_keeps_every_character_that_xml_allows(name: str, shown: str) -> None:
    soap = service((replace(LICENSES[0], product=name),))
    assert products(enumerate_(soap)) == [shown]


# Enumerate and Pull


def test_first_reply_has_one_item_and_pull_the_others(soap: SoapService) -> None:
    first = enumerate_(soap)
    assert len(find(first, "s:Body/n:EnumerateResponse/w:Items")) == 1
    assert first.find(".//w:EndOfSequence", NAMESPACES) is None
    second = pull(soap, context_of(first), most="")  # one, the default
    last = pull(soap, context_of(second))
    listed = products(first), products(second), products(last)
    assert listed == (["XDT_PLT_UD"], ["PVS_STD_CCS"], ["CITRIX"])
    find(last, "s:Body/n:PullResponse/n:EndOfSequence")
    assert last.find(".//w:EndOfSequence", NAMESPACES) is None
    assert context_of(last) == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"context": "uuid:0"}, "2150858779"),
        ({"resource": WMI + "root/cimv2/*"}, "2150858779"),
        ({"most": "<n:MaxElements>0</n:MaxElements>"}, "2150858817"),
        ({"most": "<n:MaxElements>-1</n:MaxElements>"}, "2150858817"),
        ({"action": "Renew"}, "2150858753"),
    ],
)
def test_invalid_pull_is_a_fault(soap: SoapService, changes: dict[str, str], expected: str) -> None:
    arguments: Any = {"context": context_of(enumerate_(soap)), **changes}
    assert code(pull(soap, status=500, **arguments)) == expected


@pytest.mark.parametrize("count", [0, 1])
def test_enumeration_may_end_with_the_first_reply(count: int) -> None:
    only = enumerate_(service(LICENSES[:count]))
    assert len(find(only, "s:Body/n:EnumerateResponse/w:Items")) == count
    find(only, "s:Body/n:EnumerateResponse/w:EndOfSequence")
    assert context_of(only) == ""


def test_query_selects_rows_by_any_of_its_conditions(soap: SoapService) -> None:
    root = enumerate_(soap, f"{POOLS} WHERE PLD='citrix' or LicenseType = 'RetailS'")
    rest = pull(soap, context_of(root))
    assert products(root) + products(rest) == ["PVS_STD_CCS", "CITRIX"]
    assert products(enumerate_(soap, f"{POOLS} WHERE PLD = 'CITRIX '")) == []
