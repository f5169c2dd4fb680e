"""Help of every key of servers.toml: for the form, the command line, the JSON Schema and docs/."""

from __future__ import annotations

from typing import Final

from lictui.model import SourceName

_HELP: Final = {
    "name": 'Unique display name, not "estate". Renaming keeps the history.',
    "source": "Protocol: " + ", ".join(SourceName) + ".",
    "url": "URL: https://HOST:5986/wsman (winrm) or https://HOST (cvad, citrix-cloud, partner).",
    "username": r"User name: DOMAIN\user, a local account, or the client ID of an API client.",
    "secret": "Reference to the password or client secret: env:NAME, file:PATH, command:CMD ARGS "
    "or keyring:SERVICE/USER.",
    "verify": "TLS verification: true (certificates of the system), the path of a CA bundle, "
    "sha256:HEX (pinned certificate) or false (insecure).",
    "proxy": "HTTP proxy: http://HOST:PORT, or a reference to a secret with its URL and password. "
    "Default: that of [polling], else HTTPS_PROXY.",
    "group": "Servers with the same group are shown together.",
    "interval": "Seconds between two polls; in the form and on the command line also 5m or 1h. "
    "Citrix recommends at least 15m for license servers.",
    "enabled": "Disabled servers are not polled.",
    "same_as": "Another server that is the same license server, read in another way: both are "
    "shown as one and counted once.",
    "continues": "Product code before a change of edition or model, such as XDT_PLT_UD: charts, "
    "peaks, forecasts and reports continue its series.",
    "entitlement": "Any name, the same for all LAS servers that report the licenses of one "
    "entitlement: usage adds up, licenses are counted once.",
    "quantity_divisor": "Divides all counts: 2 if the server reports every license twice.",
    "auth": "Authentication of winrm: negotiate (Kerberos or NTLM), kerberos, ntlm, basic (local "
    "accounts, over TLS) or certificate.",
    "certificate": "Path of a PEM file with client certificate and key, for auth = certificate.",
    "site": "Name or ID of the site; required if there are several.",
    "customer_id": "Customer ID (Citrix Cloud: Identity and Access Management, API Access).",
    "overview_paths": "Other paths of the license overview; {customer} and {site} are replaced.",
    "experimental": "Also use undocumented APIs of Citrix Cloud; they may stop working.",
    "trust_url": "Token endpoint without a path; it receives the client secret.",
    "address": "PORT@HOST as in FlexNet, several separated by commas; the port is optional.",
    "lmutil": "Path of lmutil on this machine; searched on PATH if empty.",
    "command": "Run without a shell: program and arguments, quotes group words. Do not include "
    "passwords.",
    "format": "Format of the output. `lictui servers snippet NAME` prints a command for some.",
    "licenses_available": "Meaning of LicensesAvailable (not documented by Citrix): total or free.",
}
_API_CLIENT: Final = "Client ID of the service principal; it needs read access to Licensing."
# What a key of all sources means for one of them.
SOURCE_HELP: Final[dict[str, dict[str, str]]] = {
    SourceName.WINRM: {
        "url": "WinRM URL: HTTPS on 5986, or HTTP on 5985 (messages are encrypted).",
        "username": r"Account with read access to the WMI namespace root\CitrixLicensing.",
    },
    SourceName.CVAD: {
        "url": "URL of the Delivery Controller, or of the site in Citrix Cloud; without a path.",
        "username": "Read-only administrator of the site.",
        "customer_id": "Customer ID, of a site in Citrix Cloud.",
    },
    SourceName.CITRIX_CLOUD: {
        "url": "API host of the region without a path: api, api-us, api-eu, api-ap-s.cloud.com.",
        "username": _API_CLIENT,
    },
    SourceName.PARTNER: {
        "url": "URL of the License Usage Insights API; without a path.",
        "username": _API_CLIENT,
    },
}


def key_help(key: str, source: str = "") -> str:
    """Return what a key means, for one source or for all."""
    return SOURCE_HELP.get(source, {}).get(key) or _HELP[key]
