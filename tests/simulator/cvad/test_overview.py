"""The licenses of a simulated site: every field, every dialect, and where they are found."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from dataclasses import replace

import pytest
from tests.simulator.cvad.stage import FULL, LICENSES, OVERVIEW, SITE, TRUSTED, Client

from lictui.simulator.inventory import FaultMode, License


async def test_the_overview_has_every_field_of_the_model(inside: Client) -> None:
    body = (await inside.get(FULL)).json()
    assert set(body) == {
        "LicenseInformation",
        "LicenseInventories",
        "LicenseLasInventories",
        "NormalLicenses",
        "OverdraftLicenses",
        "LicensesUsage",
        "CertAccepted",
    }
    assert set(body["LicenseInformation"]) == {
        "LicenseServerStatus",
        "LicenseServerWslAddress",
        "LicenseServerLicensingAddress",
        "LicenseServer",
        "LicensePort",
        "LicensingBurnInDate",
        "LicenseProduct",
        "ProductEdition",
        "LicenseModel",
        "OutOfBoxGracePeriodActive",
        "OutOfBoxGracePeriodHoursLeft",
        "UseLicenseActivationService",
    }
    assert body["LicenseInventories"][0] == {
        "LicenseProductName": "XenDesktopXdt",
        "LocalizedLicenseProductName": "Citrix Virtual Apps and Desktops Premium",
        "LicenseExpirationDate": "2027-03-31",
        "LicenseSubscriptionAdvantageDate": "2027-03-31",
        "LicenseType": "Retail",
        "LicensesInUse": 214,
        "LicensesAvailable": 550,
        "LicenseOverdraft": 50,
        "LicenseModel": "Concurrent",
        "ProductEdition": "Platinum",
        "LocalizedLicenseProductEdition": "Premium",
    }
    second = body["LicenseInventories"][1]
    assert (second["LicenseProductName"], second["ProductEdition"]) == ("XenApp", "Enterprise")
    assert (second["LicenseExpirationDate"], second["LicensesInUse"]) == (None, 41)
    totals = (body["NormalLicenses"], body["OverdraftLicenses"], body["LicensesUsage"])
    assert totals == (540, 50, 255)


async def test_a_las_site_keeps_its_inventory_under_its_own_name(inside: Client) -> None:
    inside.stage.site = replace(inside.stage.site, las=True)
    body = (await inside.get(FULL)).json()
    assert (len(body["LicenseInventories"]), len(body["LicenseLasInventories"])) == (0, 2)
    assert body["LicenseInformation"]["LicenseServerStatus"] == "LasCompatible"
    assert body["LicenseInformation"]["UseLicenseActivationService"] is True


async def test_without_being_asked_for_it_there_is_no_inventory(inside: Client) -> None:
    assert (await inside.get(OVERVIEW)).json()["LicenseInventories"] == []


@pytest.mark.parametrize(
    "status",
    [
        "Compatible",
        "Incompatible",
        "Inaccessible",
        "InternalError",
        "LSVersionIncompatible",
        "CloudNotRegistered",
        "LasNotOnboarded",
        "InternetNotConnected",
        "LasCompatible",
        "NoInventory",
        "UnknownStatus",
    ],
)
async def test_a_license_server_can_have_every_status(inside: Client, status: str) -> None:
    inside.stage.site = replace(inside.stage.site, server_status=status)
    body = (await inside.get(FULL)).json()
    assert body["LicenseInformation"]["LicenseServerStatus"] == status


async def test_an_empty_site_says_that_it_has_no_inventory(inside: Client) -> None:
    inside.stage.fault = FaultMode.EMPTY
    body = (await inside.get(FULL)).json()
    assert body["LicenseInventories"] == []
    assert body["LicenseInformation"]["LicenseServerStatus"] == "NoInventory"
    assert (await inside.get(SITE)).json()["LicensingModel"] == "None"


async def test_totals_may_be_missing_and_dates_written_otherwise(inside: Client) -> None:
    inside.stage.site = replace(inside.stage.site, totals=False, date_format="%m/%d/%Y")
    body = (await inside.get(FULL)).json()
    assert body["NormalLicenses"] is None
    assert body["LicenseInventories"][0]["LicenseExpirationDate"] == "03/31/2027"


async def test_an_enum_without_a_name_goes_out_as_it_stands(inside: Client) -> None:
    inside.stage.licenses = (replace(LICENSES[0], product="CVAP_PRE_SUB"),)
    line = (await inside.get(FULL)).json()["LicenseInventories"][0]
    names = (line["LicenseProductName"], line["ProductEdition"], line["LicenseModel"])
    assert names == ("CVAP", "PRE", "SUB")


async def test_the_overview_answers_at_one_place_alone(inside: Client) -> None:
    preview = "/citrix/orchestration/api/techpreview/{customer}/{site}/Licensing/LicenseOverview"
    inside.stage.site = replace(inside.stage.site, overview_path=preview)
    there = preview.format(customer="citrixonpremises", site="PROD")
    assert (await inside.get(f"{there}?includeInventory=true")).status_code == 200
    for elsewhere in (OVERVIEW, "/cvad/manage/Licensing/LicenseOverview"):
        answer = await inside.get(elsewhere)
        assert answer.status_code == 404
        assert answer.json()["ErrorType"] == "NotFound"


async def test_there_need_be_no_overview_at_all(inside: Client) -> None:
    inside.stage.site = replace(inside.stage.site, overview_path=None)
    assert (await inside.get(OVERVIEW)).status_code == 404
    assert (await inside.get(SITE)).status_code == 200


async def test_an_overview_that_takes_its_time_is_fetched_from_its_job(inside: Client) -> None:
    accepted = await inside.get(f"{FULL}&async=true")
    assert accepted.status_code == 202
    job = accepted.headers["Location"]
    assert (await inside.get(job)).json() == {"Type": "GetLicenseSummary", "Status": "Complete"}
    assert len((await inside.get(f"{job}/results")).json()["LicenseInventories"]) == 2


async def test_a_client_of_python_itself_is_answered_too(inside: Client) -> None:
    trust = ssl.create_default_context(cadata=TRUSTED)
    request = urllib.request.Request(str(inside.http.base_url.join(FULL)), headers=inside.headers)  # noqa: S310 - our own https URL

    def read() -> bytes:
        with urllib.request.urlopen(request, context=trust, timeout=5) as answer:  # noqa: S310 - our own https URL
            return bytes(answer.read())

    assert json.loads(await asyncio.to_thread(read))["LicensesUsage"] == 255


async def test_figures_are_those_of_the_moment(inside: Client) -> None:
    def used(licenses: tuple[License, ...]) -> tuple[License, ...]:
        return tuple(replace(each, in_use=each.in_use + 1) for each in licenses)

    inside.stage.licenses = used(inside.stage.licenses)
    assert (await inside.get(FULL)).json()["LicensesUsage"] == 257
