"""What a simulated site answers: fields as the notes list them, to whom, and in which mood."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.simulator.cvad.stage import LICENSES, TRUSTED, USER
from tests.support.clock import START

from lictui.simulator.cvad import Alert, Usage
from lictui.simulator.inventory import Mood

if TYPE_CHECKING:
    from tests.simulator.cvad.stage import Client, Stage

    from lictui.simulator.inventory import License

BASES = ["/cvad/manage", "/citrix/orchestration/api"]
SITE = "/cvad/manage/Sites/9f3c"
OVERVIEW = "/citrix/orchestration/api/CitrixOnPremises/9f3c/Licensing/LicenseOverview"
FULL = f"{OVERVIEW}?includeInventory=true"


@pytest.fixture
async def inside(client: Client) -> Client:
    await client.log_in()
    return client


@pytest.mark.parametrize("base", BASES)
async def test_me_names_the_site(inside: Client, base: str) -> None:
    body = (await inside.get(f"{base}/me", Citrix_InstanceId=None)).json()
    assert set(body) == {
        "UserId",
        "DisplayName",
        "ExpiryTime",
        "RefreshExpirationTime",
        "Customers",
    }
    assert body["DisplayName"] == USER
    assert body["Customers"][0]["Sites"] == [{"Id": "9f3c", "Name": "PROD"}]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["9f3c", "PROD", "prod"])
async def test_a_site_answers_to_its_id_and_its_name(inside: Client, base: str, name: str) -> None:
    answer = await inside.get(f"{base}/Sites/{name}", Citrix_InstanceId=None)
    body = answer.json()
    assert {
        "LicenseServerName": "lic01.corp.example",
        "LicenseServerPort": 27000,
        "LicenseServerUri": "https://lic01.corp.example:8083/",
        "LicensingModel": "Concurrent",
        "ProductCode": "XDT",
        "ProductEdition": "PLT",
        "LicenseExpirationDate": "2027-03-31T00:00:00Z",
        "LicensedSessionsActive": 214,
        "LicensingGracePeriodActive": False,
        "LicensingGraceHoursLeft": None,
        "LicensingOutOfBoxGracePeriodActive": False,
        "LicenseGraceSessionsRemaining": None,
        "LicensingAlerts": [],
    }.items() <= body.items()
    assert {"PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers"} <= set(body)


async def test_a_user_device_site_has_users_and_no_peak(inside: Client) -> None:
    inside.stage.licenses = (replace(LICENSES[0], product="XDT_ENT_UD", in_use=90),)
    body = (await inside.get(SITE)).json()
    assert (body["LicensingModel"], body["ProductEdition"]) == ("UserDevice", "ENT")
    assert (body["TotalUniqueLicenseUsers"], body["PeakConcurrentLicenseUsers"]) == (90, None)


@pytest.mark.parametrize(("usage", "figure"), [(Usage.ZEROS, 0), (Usage.NULLS, None)])
async def test_usage_may_be_all_zero_or_not_there(
    inside: Client, usage: Usage, figure: int | None
) -> None:
    inside.stage.site = replace(inside.stage.site, usage=usage)
    body = (await inside.get(SITE)).json()
    names = ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers")
    assert [body[name] for name in names] == [figure] * 3


async def test_grace_periods_and_alerts_are_told(inside: Client) -> None:
    levels = ("Unknown", "Info", "Alert", "Alert", "Alarm")
    inside.stage.site = replace(
        inside.stage.site,
        grace_hours_left=500,
        out_of_box_hours_left=96,
        grace_sessions_left=10,
        alerts=tuple(Alert(level, f"title {at}") for at, level in enumerate(levels)),
    )
    body = (await inside.get(SITE)).json()
    assert body["LicensingGracePeriodActive"] is True
    assert body["LicensingGraceHoursLeft"] == 500
    assert body["LicensingOutOfBoxGracePeriodActive"] is True
    assert body["LicenseGraceSessionsRemaining"] == 10
    assert [each["AlertLevel"] for each in body["LicensingAlerts"]] == list(levels)
    assert set(body["LicensingAlerts"][0]) == {
        "Priority",
        "AlertLevel",
        "TypeCode",
        "Title",
        "Detail",
        "Action",
    }
    counted = (await inside.get(f"{SITE}/ErrorWarning")).json()["Licensing"]
    assert counted == {"NumberOfErrors": 1, "NumberOfWarnings": 2, "NumberOfInfo": 1}


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
    inside.stage.mood = Mood.EMPTY
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


@pytest.mark.parametrize(
    "path",
    [
        "/cvad/manage/DeliveryControllers",
        "/citrix/orchestration/api/techpreview/CitrixOnPremises/9f3c/DeliveryControllers",
    ],
)
async def test_controllers_know_how_long_they_are_activated(inside: Client, path: str) -> None:
    assert {each["LasActivationStatus"] for each in (await inside.get(path)).json()["Items"]} == {
        "NotActivated"
    }
    until = date.fromordinal(719163 + int(START // 86400) + 18)
    inside.stage.site = replace(inside.stage.site, las=True, activated_until=until)
    first = (await inside.get(path)).json()["Items"][0]
    assert first["LasActivationStatus"] == "Activated"
    assert first["LasActivationExpiry"] == f"{until}T00:00:00Z"
    assert first["IsLasAware"] is True
    await inside.stage.clock.advance(19 * 86400)
    await inside.log_in()
    first = (await inside.get(path)).json()["Items"][0]
    assert first["LasActivationStatus"] == "Expired"
    inside.stage.site = replace(inside.stage.site, activation="Unknown")
    first = (await inside.get(path)).json()["Items"][0]
    assert first["LasActivationStatus"] == "Unknown"


async def test_the_cloud_has_no_license_server_of_its_own(stage: Stage, client: Client) -> None:
    await client.log_in()
    stage.site = replace(stage.site, cloud=True)
    body = (await client.get(SITE)).json()
    assert [body[key] for key in ("LicenseServerName", "LicenseServerUri")] == [None, None]
    assert body["LicenseExpirationDate"] is None


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (SITE, {"Citrix_CustomerId": None}, 401),
        (SITE, {"Citrix_CustomerId": "other"}, 401),
        (FULL, {"Citrix_InstanceId": None}, 400),
        (FULL, {"Citrix_InstanceId": "other"}, 400),
        (f"{SITE}/ErrorWarning", {"Citrix_InstanceId": None}, 400),
        (SITE, {"Accept": "text/html"}, 406),
        (SITE, {"Accept": "*/*"}, 200),
        ("/cvad/manage/Sites/other", {}, 404),
        ("/", {}, 404),
    ],
)
async def test_a_request_must_say_who_asks_whom(
    inside: Client, path: str, headers: dict[str, str | None], status: int
) -> None:
    answer = await inside.get(path, **headers)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()) == {"SdkErrorId", "ErrorMessage", "ErrorType", "ErrorDetails"}


async def test_nothing_can_be_changed(inside: Client) -> None:
    for method in ("PATCH", "DELETE", "PUT"):
        answer = await inside.http.request(method, SITE, headers=inside.headers)
        assert answer.status_code == 405


@pytest.mark.parametrize(("mood", "status"), [(Mood.BUSY, 503), (Mood.LIMITED, 429)])
async def test_a_site_that_is_too_busy_says_when_to_come_back(
    inside: Client, mood: Mood, status: int
) -> None:
    inside.stage.mood = mood
    for answer in (await inside.get(SITE), await inside.log_in()):
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
        assert "ErrorMessage" in answer.json()
    inside.stage.mood = Mood.NORMAL
    assert (await inside.get(SITE)).status_code == 200


async def test_a_user_without_the_permission_may_still_ask_who_he_is(inside: Client) -> None:
    inside.stage.mood = Mood.FORBIDDEN
    assert (await inside.get("/cvad/manage/me")).status_code == 200
    assert [(await inside.get(path)).status_code for path in (SITE, FULL)] == [403, 403]


async def test_a_portal_answers_everything_with_its_page(inside: Client) -> None:
    inside.stage.mood = Mood.LOGIN_PAGE
    for answer in (await inside.get(SITE), await inside.http.post("/cvad/manage/Tokens")):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_an_answer_can_be_cut_off(inside: Client) -> None:
    inside.stage.mood = Mood.HALF
    with pytest.raises(httpx.RemoteProtocolError):
        await inside.get(SITE)


async def test_silence_lasts_until_the_client_gives_up(inside: Client) -> None:
    inside.stage.mood = Mood.SILENT
    with pytest.raises(httpx.ReadTimeout):
        await inside.http.get(SITE, headers=inside.headers, timeout=0.05)
    inside.stage.mood = Mood.NORMAL
    assert (await inside.get(SITE)).status_code == 200


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
