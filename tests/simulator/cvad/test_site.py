"""What a simulated site says of itself: fields as the notes list them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.simulator.cvad.stage import LICENSES, SITE, USER, Client, Stage
from tests.support.clock import START

from lictui.simulator.cvad_server import SiteAlert, UsageReporting

BASES = ["/cvad/manage", "/citrix/orchestration/api"]


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


async def test_usage_may_be_all_zero(inside: Client) -> None:
    inside.stage.site = replace(inside.stage.site, usage=UsageReporting.ZEROS)
    body = (await inside.get(SITE)).json()
    names = ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers")
    assert [body[name] for name in names] == [0, 0, 0]


async def test_grace_periods_and_alerts_are_told(inside: Client) -> None:
    levels = ("Unknown", "Info", "Alert", "Alert", "Alarm")
    inside.stage.site = replace(
        inside.stage.site,
        grace_hours_left=500,
        out_of_box_hours_left=96,
        grace_sessions_left=10,
        alerts=tuple(SiteAlert(level, f"title {at}") for at, level in enumerate(levels)),
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


async def test_the_cloud_has_no_license_server_of_its_own(stage: Stage, client: Client) -> None:
    await client.log_in()
    stage.site = replace(stage.site, cloud=True)
    body = (await client.get(SITE)).json()
    assert [body[key] for key in ("LicenseServerName", "LicenseServerUri")] == [None, None]
    assert body["LicenseExpirationDate"] is None


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
