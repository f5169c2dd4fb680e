"""The simulated license server, seen by a client that others wrote: pypsrp."""

import asyncio
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from pypsrp.wsman import NAMESPACES, WSMan
from tests.simulator.winrm.wsman import LICENSING, PASSWORD, POOLS, USER, WMI, WQL, Serve

from lictui.simulator.http import HttpListener, self_signed

CIMV2 = WMI + "root/cimv2/*"
W, N = NAMESPACES["wsman"], NAMESPACES["wsen"]

HTTP: dict[str, Any] = {"tls": False}
# How the server is started, and what the client is given
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "basic over TLS": ({}, {"auth": "basic"}),
    "NTLM over TLS, bound to the channel": ({}, {"auth": "ntlm"}),
    "NTLM over TLS, bound to nothing": ({}, {"auth": "ntlm", "negotiate_send_cbt": False}),
    "NTLM over TLS, encrypted once more": ({}, {"auth": "ntlm", "encryption": "always"}),
    "SPNEGO over TLS": ({}, {"auth": "negotiate"}),
    "NTLM over HTTP, encrypted": (HTTP, {"auth": "ntlm"}),
    "SPNEGO over HTTP, encrypted": (HTTP, {"auth": "negotiate"}),
}


def read_all(client: WSMan, resource: str, query: str) -> list[Element]:
    """Every item of a query, two at a time to the end of its sequence."""
    asked = Element(f"{{{N}}}Enumerate")
    SubElement(asked, f"{{{W}}}OptimizeEnumeration")
    SubElement(asked, f"{{{W}}}MaxElements").text = "100"
    SubElement(asked, f"{{{W}}}Filter", Dialect=WQL).text = query
    answer = client.enumerate(resource, asked)[0]
    items = answer.find(f"{{{W}}}Items")
    found = [] if items is None else list(items)
    while context := answer.findtext(f"{{{N}}}EnumerationContext"):
        asked = Element(f"{{{N}}}Pull")
        SubElement(asked, f"{{{N}}}EnumerationContext").text = context
        SubElement(asked, f"{{{N}}}MaxElements").text = "2"
        answer = client.pull(resource, asked)[0]
        items = answer.find(f"{{{N}}}Items")
        found += [] if items is None else list(items)
    return found


async def ask(
    listener: HttpListener, query: str, resource: str = LICENSING, **how: Any
) -> list[dict[str, str]]:
    """What pypsrp brings back: a dict by local names of each item."""
    tls = listener.url.startswith("https")
    settings: dict[str, Any] = {
        "username": USER,
        "password": PASSWORD,
        "ssl": tls,
        "cert_validation": False,
        "no_proxy": True,
        "encryption": "auto" if tls else "always",
        "auth": "ntlm",
    }

    def talk() -> list[Element]:
        with WSMan(listener.host, port=listener.port, **(settings | how)) as client:
            return read_all(client, resource, query)

    return [
        {child.tag.rpartition("}")[2]: "".join(child.itertext()) for child in item}
        for item in await asyncio.to_thread(talk)
    ]


@pytest.mark.parametrize(("server", "how"), WAYS.values(), ids=WAYS)
async def test_pypsrp_reads_both_classes(
    serve: Serve,
    server: dict[str, Any],
    how: dict[str, Any],
) -> None:
    listener = serve(**server)
    pools = await ask(listener, POOLS, **how)
    licenses = await ask(
        listener, "SELECT SerialNumber,ExpirationDate FROM Citrix_GT_License", **how
    )
    assert [pool["PLD"] for pool in pools] == ["XDT_PLT_UD", "PVS_STD_CCS", "CITRIX"]
    assert [pool["Count"] for pool in pools] == ["550", "88", "10000"]
    assert [pool["InUseCount"] for pool in pools] == ["412", "90", "1"]
    assert [(each["SerialNumber"], each["ExpirationDate"]) for each in licenses] == [
        ("LA-0000000001", "2027-03-31T00:00:00Z"),
        ("LA-0000000002", ""),
        ("", ""),
    ]


async def test_pypsrp_reads_services_by_name(serve: Serve) -> None:
    query = (
        "SELECT Name, State FROM Win32_Service "
        "WHERE Name='Citrix Licensing' OR Name = 'citrix_gtlicensingprov'"
    )
    found = await ask(serve(), query, CIMV2)
    assert found == [
        {"Name": "Citrix Licensing", "State": "Running"},
        {"Name": "Citrix_GTLicensingProv", "State": "Running"},
    ]


@pytest.mark.parametrize(
    ("username", "login"),
    [
        (USER, r"corp\SVC-LICTUI"),
        ("svc@corp.example", "svc@corp.example"),
        ("monitor", "monitor"),
        ("monitor", r".\monitor"),
        ("monitor", r"LIC-01\monitor"),
    ],
)
async def test_user_may_be_named_as_windows_allows(serve: Serve, username: str, login: str) -> None:
    listener = serve(username=username, password="pä ss")
    assert len(await ask(listener, POOLS, username=login, password="pä ss")) == 3


@pytest.mark.parametrize(("server", "how"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "wrong", [{"password": "guess"}, {"username": r"OTHER\svc-lictui"}], ids=str
)
async def test_wrong_user_or_password_is_refused(
    serve: Serve,
    server: dict[str, Any],
    how: dict[str, Any],
    wrong: dict[str, Any],
) -> None:
    listener = serve(**server)
    with pytest.raises(AuthenticationError):
        await ask(listener, POOLS, **(how | wrong))


async def test_login_bound_to_another_channel_is_refused(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone_between = self_signed("lic-01", now=1_795_500_000.0)
    monkeypatch.setattr(
        "pypsrp.negotiate.HTTPNegotiateAuth._get_cbt_data",
        lambda _: b"tls-server-end-point:" + bytes.fromhex(someone_between.fingerprint),
    )
    with pytest.raises(AuthenticationError):
        await ask(serve(), POOLS)


async def test_unencrypted_body_over_http_is_a_bare_500(serve: Serve) -> None:
    listener = serve(tls=False)
    with pytest.raises(WinRMTransportError) as caught:
        await ask(listener, POOLS, encryption="never")
    assert (caught.value.code, caught.value.response_text) == (500, "")
