"""Where in the world Citrix Cloud is: which host serves which region, and where it gives tokens.

Owns the addresses that Citrix publishes (developer-docs.citrix.com, "Get started with Citrix Cloud
APIs"; citrix/terraform-provider-citrix). Must not know what is asked there. Any other host is taken
to be all of Citrix Cloud in one, as a proxy or a simulation is.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from lictui.sources.address import origin

REGIONS: Final = {
    "api.cloud.com": "global",
    "api-us.cloud.com": "United States",
    "api-eu.cloud.com": "European Union",
    "api-ap-s.cloud.com": "Asia Pacific South",
    "api.citrixcloud.jp": "Japan",
}
TRUST: Final = "https://trust.citrixworkspacesapi.net"
_US_GOVERNMENT: Final = "https://trust.citrixworkspacesapi.us"
_GLOBAL: Final = "https://api.cloud.com"
_CUSTOMERS_OWN: Final = ".xendesktop.net"  # hosts of one customer each; signed in to at _GLOBAL
_CITRIX: Final = (".cloud.com", ".citrixcloud.jp", ".cloud.us", ".citrixworkspacesapi.net")
_CONSOLE: Final = "https://cloudlicense.citrixworkspacesapi.net"


def is_citrix(url: str) -> bool:
    """Whether `url` is a host of Citrix Cloud itself."""
    return f".{origin(url).host}".endswith(_CITRIX)


def of_token(url: str, customer: str) -> tuple[str, bool]:
    """The URL that gives tokens for `url`, and whether it wants the legacy JSON form."""
    host, path = origin(url).host, f"{quote(customer, safe='')}/tokens/clients"
    if host.endswith(".cloud.us"):
        return f"{_US_GOVERNMENT}/{path}", True
    place = _GLOBAL if host.endswith(_CUSTOMERS_OWN) else _bare(url)
    return f"{place}/cctrustoauth2/{path}", False


def of_partners(url: str, trust_url: str) -> str:
    """The URL that gives tokens for License Usage Insights, in the legacy JSON form."""
    place = trust_url or (TRUST if is_citrix(url) else url)
    return f"{_bare(place)}/root/tokens/clients"


def console(url: str) -> str:
    """The origin of what the console itself asks, as a public script found it."""
    return _CONSOLE if is_citrix(url) else _bare(url)


def hint(url: str) -> str:
    """What to do where `url` does not know the customer."""
    here = REGIONS.get(origin(url).host)
    this = f"this is {here}" if here else "this is none of them"
    listed = " · ".join(f"{region}: {host}" for host, region in REGIONS.items())
    return f"Is customer_id right, and its region the one of url ({this})? {listed}."


def _bare(url: str) -> str:
    return str(origin(url)).rstrip("/")
