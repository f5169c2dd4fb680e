from __future__ import annotations

from defusedxml.ElementTree import fromstring

from lictui.sources.winrm.wsman import WqlQuery

NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
}
QUESTION = WqlQuery(
    "https://lic01:5986/wsman",
    "root/CitrixLicensing",
    "SELECT * FROM X WHERE N<'5' AND M='a&b'",
    24,
)


def found(body: bytes, path: str) -> str:
    return fromstring(body).findtext(path, "missing", NAMES)


def test_enumerate_is_addressed_timed_and_bounded() -> None:
    body = QUESTION.enumerate_request("uuid:1")
    assert found(body, "s:Header/a:To") == "https://lic01:5986/wsman"
    assert found(body, "s:Header/a:MessageID") == "uuid:1"
    assert found(body, "s:Header/w:OperationTimeout") == "PT24S"
    assert found(body, "s:Header/w:MaxEnvelopeSize") == "512000"
    assert found(body, "s:Header/a:Action") == f"{NAMES['n']}/Enumerate"
    assert (
        found(body, "s:Header/w:ResourceURI")
        == "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/CitrixLicensing/*"
    )


def test_the_query_arrives_whatever_characters_it_has() -> None:
    body = QUESTION.enumerate_request("uuid:1")
    assert found(body, "s:Body/n:Enumerate/w:Filter") == QUESTION.wql
    assert found(body, "s:Body/n:Enumerate/w:OptimizeEnumeration") == ""


def test_pull_carries_the_context_that_a_server_made_up() -> None:
    body = QUESTION.pull_request("uuid:2", "uuid:<&>")
    assert found(body, "s:Body/n:Pull/n:EnumerationContext") == "uuid:<&>"
    assert found(body, "s:Header/a:Action") == f"{NAMES['n']}/Pull"
