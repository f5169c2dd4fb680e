"""The JSON that License Usage Insights answers with.

Owns field names, the nulls between them and how times are written. Must not know HTTP or who asks.
Fields: StuartP-CSP/csp-lui-scripts and Citrix's front end as in Larry-Xie/MyReact
(src/services/xaxd.js, licensing.js), where a server that never reported is mostly nulls.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lictui.simulator.partner.account import (
        Account,
        CustomerUsage,
        Feature,
        LinkedCustomer,
        NetScaler,
        PartnerServer,
        ServerUsage,
        Sku,
        Stamps,
    )

Json = dict[str, Any]


def servers(account: Account, customer: str, now: float) -> Json:
    """`licenseservers`: every license server, and whether it still reports."""
    told = [_server(each, now) for each in account.servers]
    return {"customerId": customer, "orgId": account.org_id, "licenseServersStatus": told}


def _server(server: PartnerServer, now: float) -> Json:
    reported = server.last_reported is not None
    ends = server.expires if reported else None
    features = [{"featureId": each.feature_id, "usageCount": each.count} for each in server.ccu]
    return {
        "hostId": server.host_id,
        "fqdn": server.fqdn if reported else None,
        "lastPhoningHomeTime": stamp(server.last_reported, server.stamps),
        "isPhoningHome": server.reporting(now),
        "isEverReported": reported,
        "isFoundInBackOffice": server.in_back_office,
        "isCompliant": server.compliant,
        "isLicenseServerFree": server.free,
        "isNonCspLicenseInstalled": server.non_csp,
        "isCcu": reported and bool(features),
        "ccuFeatureStatistics": features if reported else None,
        "isExpired": ends is not None and ends <= now,
        "licenseExpirationDate": stamp(ends, server.stamps),
        "daysToExpire": None if ends is None else _days(now, ends),
        "linkedCustomerList": [_linked(each) for each in server.customers],
    }


def _linked(customer: LinkedCustomer) -> Json:
    own = customer.customer_id
    return {
        "customerId": own,
        "customerOrgId": customer.org_id or own,
        "customerNickName": customer.nick_name or own,
        "customerDisplayName": customer.display_name or own,
        "customerType": customer.kind,
    }


def usage(account: Account, customer: str) -> Json:
    """`licenseusagedata`: the users of a month, by product, feature, server and customer."""
    skus = [_sku(each) for each in account.skus]
    return {"customerId": customer, "orgId": account.org_id, "skus": skus}


def _sku(sku: Sku) -> Json:
    return {
        "skuId": sku.sku_id,
        "skuDescription": sku.description,
        "features": [_feature(each) for each in sku.features],
    }


def _feature(feature: Feature) -> Json:
    counted = sum(each.count for each in feature.servers)
    return {
        "featureId": feature.feature_id,
        "featureDescription": feature.description,
        "count": counted if feature.count is None else feature.count,
        "freeUsersCount": sum(each.free_users for each in feature.servers),
        "units": feature.units,
        "isUserList": feature.user_list,
        "licenseServerCount": len(feature.servers),
        "freeLicenseServerCount": sum(each.free for each in feature.servers),
        "linkedCustomerCount": sum(each.linked for each in feature.customers),
        "licenseServerUsages": [_on_server(each) for each in feature.servers],
        "linkedCustomerUsages": [_at_customer(each) for each in feature.customers],
    }


def _on_server(used: ServerUsage) -> Json:
    reported = "0001-01-01T00:00:00"
    if used.reported is not None:
        reported = f"{datetime.fromtimestamp(used.reported, UTC):%Y-%m-%dT%H:%M:%S}"
    return {
        "fqdn": used.fqdn,
        "count": used.count,
        "freeUsersCount": used.free_users,
        "reportingDate": reported,
        "isLicenseServerFree": used.free,
    }


def _at_customer(used: CustomerUsage) -> Json:
    return {
        "isLinked": used.linked,
        "customerId": used.customer_id,
        "customerNickName": used.nick_name or used.customer_id,
        "customerType": used.kind,
        "count": used.count,
        "freeUsersCount": used.free_users,
    }


def netscalers(account: Account, customer: str, now: float) -> Json:
    """`netscalercallinghomedata`: NetScalers and their licenses."""
    told = [_netscaler(each, now) for each in account.netscalers]
    return {"customerId": customer, "orgId": account.org_id, "netScalerCallingHomeDetails": told}


def _netscaler(netscaler: NetScaler, now: float) -> Json:
    return {
        "fqdn": netscaler.fqdn,
        "hostId": netscaler.host_id,
        "netScalerLicenseModels": [
            {"productName": each.product, "daysToExpire": _days(now, each.expires)}
            for each in netscaler.licenses
        ],
    }


def stamp(at: float | None, stamps: Stamps) -> str | None:
    """`2026-11-23T11:12:04.00+00:00`, or as `stamps` would have it; null for no time."""
    if at is None:
        return None
    if not stamps.digits:
        return f"{datetime.fromtimestamp(at, UTC):%m/%d/%Y %H:%M:%S}"
    ticks = 10**stamps.digits
    seconds, fraction = divmod(round(at * ticks), ticks)
    local = datetime.fromtimestamp(seconds, timezone(timedelta(hours=stamps.hours)))
    zone = local.isoformat()[19:]  # `+05:30`; strftime has no colon before Python 3.12
    return f"{local:%Y-%m-%dT%H:%M:%S}.{fraction:0{stamps.digits}d}{zone}"


def _days(now: float, ends: float) -> int:
    """Whole days on the calendar of UTC; negative once they have gone by."""
    end, today = (datetime.fromtimestamp(at, UTC).date() for at in (ends, now))
    return (end - today).days
