"""The rules of one [[server]] table: values, defaults, required keys, warnings."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.config.server_schema import (
    COMMAND_FORMATS,
    flexnet_addresses,
    keys_for,
    server_warnings,
    to_table,
    validate_server,
)
from lictui.config.toml_document import FieldError, InvalidValue
from lictui.model import Server

BASE = Path("/etc/lictui")
WINRM = {
    "name": "lic-emea-01",
    "source": "winrm",
    "url": "https://lic-emea-01.corp.example:5986/wsman",
    "username": "CORP\\svc",
    "secret": "env:LICTUI_EMEA",
}
CVAD = WINRM | {"name": "ddc", "source": "cvad", "url": "https://ddc01.corp.example"}
PIN = "4f" * 32
ACCOUNT = {"customer_id": "acme", "username": "id", "secret": "env:CLOUD"}
CLOUD = {"name": "daas", "source": "citrix-cloud", **ACCOUNT}
PARTNER = {"name": "csp", "source": "partner", **ACCOUNT}
LMSTAT = {"name": "lic01", "source": "lmstat", "address": "27000@lic01", "lmutil": "/bin/true"}
COMMAND = {"name": "lic02", "source": "command", "command": ["cat", "/x"], "format": "lmstat"}
INVENTORY = COMMAND | {"format": "get-licinventory"}
CERTIFICATE = WINRM | {"auth": "certificate", "certificate": "me.pem", "secret": ""}


def accepted(table: dict[str, Any]) -> Server:
    server, errors = validate_server(table, BASE)
    assert errors == ()
    assert server is not None
    return server


def refused(table: dict[str, Any]) -> FieldError:
    server, errors = validate_server(table, BASE)
    assert server is None
    (error,) = errors
    return error


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        (WINRM, {}, {"auth": "negotiate", "verify": True, "enabled": True, "interval": None}),
        (WINRM, {"url": "https://h"}, {"url": "https://h:5986/wsman"}),
        (WINRM, {"url": "http://h/"}, {"url": "http://h:5985/wsman"}),
        (WINRM, {"url": "HTTPS://LIC.example:443"}, {"url": "https://lic.example:443/wsman"}),
        (WINRM, {"url": "https://[fe80::1]"}, {"url": "https://[fe80::1]:5986/wsman"}),
        (WINRM, {"url": "https://h/other"}, {"url": "https://h:5986/other"}),
        (WINRM, {"url": "https://bücher_1.de."}, {"url": "https://bücher_1.de.:5986/wsman"}),
        (WINRM, {"username": "", "secret": ""}, {"username": ""}),
        (WINRM, {"auth": "kerberos", "username": "", "secret": ""}, {"auth": "kerberos"}),
        (CVAD, {"url": "https://h/"}, {"url": "https://h"}),
        (CVAD, {"url": "https://h:8443"}, {"url": "https://h:8443"}),
        (CVAD, {"overview_paths": ["/{customer}/{site}"]}, {}),
        (CLOUD, {}, {"url": "https://api.cloud.com"}),
        (
            PARTNER,
            {},
            {
                "url": "https://licensing.citrixworkspacesapi.net",
                "trust_url": "https://trust.citrixworkspacesapi.net",
            },
        ),
        (PARTNER, {"trust_url": "https://h:8443"}, {"trust_url": "https://h:8443"}),
        (LMSTAT, {"address": "@lic.example"}, {"address": "@lic.example"}),
        (LMSTAT, {"address": " 27000@a , 27000@b"}, {"address": "27000@a,27000@b"}),
        (LMSTAT, {"address": "27000@10.0.0.7"}, {"address": "27000@10.0.0.7"}),
        (LMSTAT, {"address": "27000@fe80::1"}, {"address": "27000@fe80::1"}),
        (INVENTORY, {"licenses_available": "free"}, {"licenses_available": "free"}),
        *((COMMAND, {"format": name}, {"format": name}) for name in COMMAND_FORMATS),
        # A pin with colons, and paths that start at the folder of the configuration
        (
            WINRM,
            {"verify": f"SHA256:{':'.join([PIN[:2].upper()] * 32)}"},
            {"verify": f"sha256:{PIN}"},
        ),
        (WINRM, {"verify": "ca.pem"}, {"verify": "/etc/lictui/ca.pem"}),
        (WINRM, {"secret": "file:pw"}, {"secret": "file:/etc/lictui/pw"}),
        (WINRM, {"proxy": "file:proxy"}, {"proxy": "file:/etc/lictui/proxy"}),
        (WINRM, {"secret": "file:~/pw"}, {"secret": f"file:{Path.home()}/pw"}),
        (CERTIFICATE, {}, {"certificate": "/etc/lictui/me.pem"}),
        (LMSTAT, {"lmutil": "bin/lmutil"}, {"lmutil": "/etc/lictui/bin/lmutil"}),
        (LMSTAT, {"lmutil": "lmutil"}, {"lmutil": "lmutil"}),
        (COMMAND, {"command": ["./read", "./x"]}, {"command": ("/etc/lictui/read", "./x")}),
        (COMMAND, {"command": ["~/read"]}, {"command": (f"{Path.home()}/read",)}),
    ],
)
def test_valid_table_is_a_server_with_defaults(
    table: dict[str, Any], change: dict[str, Any], expected: dict[str, Any]
) -> None:
    server = accepted(table | change)
    assert {key: getattr(server, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("table", "change", "key", "words"),
    [
        (WINRM, {"url": "lic01"}, "url", "missing https://"),
        (WINRM, {"url": "ftp://lic01"}, "url", "https:// or http://"),
        (WINRM, {"url": "https:///wsman"}, "url", "invalid host"),
        (WINRM, {"url": "https://a b"}, "url", "invalid URL"),
        (WINRM, {"url": "https://a\nb"}, "url", "U+000A"),
        (WINRM, {"url": "https://h:99999"}, "url", "invalid URL"),
        (WINRM, {"url": "https://h:0"}, "url", "invalid URL"),
        (WINRM, {"url": "https://[::1"}, "url", "invalid URL"),
        (WINRM, {"url": "https://h?x=1"}, "url", "invalid URL"),
        (WINRM, {"url": "https://10.0.0.999"}, "url", "invalid host"),
        (WINRM, {"url": "https://-h"}, "url", "invalid host"),
        (WINRM, {"url": "https://" + "a" * 300}, "url", "invalid host"),
        (WINRM, {"source": "winrn"}, "source", "must be one of winrm · cvad"),
        (WINRM, {"name": "  "}, "name", "must not be empty"),
        (WINRM, {"name": "a\x1b[31m"}, "name", "U+001B"),
        (WINRM, {"name": "a\u202eb"}, "name", "U+202E"),
        (WINRM, {"name": 5}, "name", "must be a string"),
        (WINRM, {"name": " Estate "}, "name", "estate is the name of all servers together"),
        (WINRM, {"auth": "digest"}, "auth", "negotiate · kerberos"),
        (WINRM, {"interval": 0}, "interval", "from 1 to"),
        (WINRM, {"interval": "900"}, "interval", "must be a number"),
        (WINRM, {"enabled": "yes"}, "enabled", "true or false"),
        (WINRM, {"verify": "true"}, "verify", 'must be true, not "true"'),
        (WINRM, {"verify": "sha256:12"}, "verify", "64 hex digits, got 2 characters"),
        (WINRM, {"verify": 1}, "verify", "must be a string"),
        (WINRM, {"proxy": "http://u:p@h"}, "proxy", "must not contain credentials"),
        (WINRM, {"site": "PROD"}, "site", "belongs to source cvad, not to winrm"),
        (WINRM, {"usrname": "x"}, "usrname", "unknown key"),
        (WINRM, {"auth": "certificate"}, "certificate", "is missing"),
        (WINRM, {"certificate": "/x.pem"}, "certificate", "not applicable"),
        (WINRM, {"secret": ""}, "secret", "is missing"),
        (WINRM, {"auth": "basic", "username": ""}, "username", "is missing"),
        (CERTIFICATE, {"url": "http://h"}, "url", "must start with https://"),
        (CVAD, {"overview_paths": ["x"]}, "overview_paths", "must start with /"),
        (CVAD, {"overview_paths": ["/{tenant}"]}, "overview_paths", "placeholder {tenant}"),
        (CVAD, {"overview_paths": "/x"}, "overview_paths", "a list of strings"),
        (CLOUD, {"url": "https://api.cloud.com/x"}, "url", "origin only"),
        (CLOUD, {"customer_id": "acme/../root"}, "customer_id", "invalid customer ID"),
        (CLOUD, {"experimental": "yes"}, "experimental", "true or false"),
        (CLOUD, {"trust_url": "https://h"}, "trust_url", "belongs to source partner"),
        (PARTNER, {"trust_url": "h"}, "trust_url", "missing https://"),
        (LMSTAT, {"address": ""}, "address", "is missing"),
        (LMSTAT, {"url": "https://h"}, "url", "not applicable to source lmstat"),
        (LMSTAT, {"format": "lmstat"}, "format", "belongs to source command, not to lmstat"),
        (COMMAND, {"command": ""}, "command", "is missing"),
        (COMMAND, {"command": []}, "command", "must not be empty"),
        (COMMAND, {"command": "ssh lic01 cat x"}, "command", "list of arguments, not one string"),
        (COMMAND, {"command": ["ssh", 5]}, "command", "must be a string"),
        (COMMAND, {"command": ["ssh", ""]}, "command", "must not be empty"),
        (COMMAND, {"format": ""}, "format", "is missing"),
        (COMMAND, {"format": "lmstats"}, "format", "must be one of get-licinventory"),
        (COMMAND, {"secret": "env:X"}, "secret", "not applicable to source command"),
        (COMMAND, {"licenses_available": "free"}, "licenses_available", "not applicable with"),
        (INVENTORY, {"licenses_available": "used"}, "licenses_available", "one of total · free"),
        (COMMAND, {"same_as": "lic02"}, "same_as", "must not reference itself"),
        (COMMAND, {"quantity_divisor": 0}, "quantity_divisor", "from 1 to 100"),
        (COMMAND, {"quantity_divisor": 1.5}, "quantity_divisor", "an integer"),
        *(
            (table, {key: ""}, key, "is missing")
            for table in (CLOUD, PARTNER)
            for key in ("customer_id", "username", "secret")
        ),
    ],
)
def test_invalid_table_is_refused_with_its_key(
    table: dict[str, Any], change: dict[str, Any], key: str, words: str
) -> None:
    error = refused(table | change)
    assert error.key == key
    assert words in error.message


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        (WINRM | {"source": "winrn"}, "did you mean winrm?"),
        (WINRM | {"usrname": "x"}, "did you mean username?"),
        (COMMAND | {"format": "lmstats"}, "did you mean lmstat?"),
        (LMSTAT | {"lmutils": "x"}, "did you mean lmutil?"),
        (LMSTAT | {"url": "https://h"}, 'write address = "27000@lic01"'),
        (LMSTAT | {"username": "u"}, "remove it"),
        (COMMAND | {"url": "https://h"}, "remove it"),
        (CVAD | {"url": "https://h/citrix"}, "write https://h; paths belong in overview_paths"),
        (WINRM | {"name": "estate"}, "choose another name"),
    ],
)
def test_hint_says_what_to_write(table: dict[str, Any], hint: str) -> None:
    assert refused(table).hint == hint


def test_missing_keys_are_reported_together() -> None:
    _, errors = validate_server({}, BASE)
    assert [error.key for error in errors] == ["name", "source", "url"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://joe:hunter2@h"},
        {"url": "joe:hunter2@h"},
        {"secret": "hunter2"},
        {"secret": "https://hunter2"},
        {"secret": "env:hunter2!"},
        *({"secret": secret} for secret in ("env:", "env: ", "envv:X", "file:", 5)),
    ],
)
def test_secret_in_the_table_is_refused_without_repeating_it(change: dict[str, Any]) -> None:
    error = refused(WINRM | change)
    assert error.key in change
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("address", "words", "hint"),
    [
        ("lic01", "is not PORT@HOST", "27000@lic01"),
        ("lic01:27001", "is not PORT@HOST", "27001@lic01"),
        ("lic01:port", "is not PORT@HOST", "write PORT@HOST"),
        ("/etc/license.lic", "is not PORT@HOST", "PORT@HOST"),
        ("27000@", "invalid host", "PORT@HOST"),
        ("27000@a,", "is not PORT@HOST", "PORT@HOST"),
        ("27000@a;27000@b", "invalid port", "27000@b"),
        ("0@a", "invalid port", "27000@a"),
        ("99999@a", "invalid port", "27000@a"),
        ("lic@a", "invalid port", "27000@a"),
        ("27000@-c", "invalid host", "PORT@HOST"),
        ("27000@10.0.0.999", "invalid host", "PORT@HOST"),
        ("27000@a b", "invalid host", "PORT@HOST"),
    ],
)
def test_invalid_flexnet_address_is_refused(address: str, words: str, hint: str) -> None:
    error = refused(LMSTAT | {"address": address})
    assert error.key == "address"
    assert words in error.message
    assert hint in error.hint


@given(st.text(max_size=40))
def test_flexnet_addresses_are_stable_or_refused(text: str) -> None:
    try:
        addresses = flexnet_addresses(text)
    except InvalidValue:
        return
    assert flexnet_addresses(addresses) == addresses
    assert not addresses.startswith("-")


@pytest.mark.parametrize("table", [CVAD, CLOUD, PARTNER, LMSTAT, COMMAND, INVENTORY])
def test_to_table_describes_the_same_server(table: dict[str, Any]) -> None:
    server = accepted(table | {"same_as": "other", "quantity_divisor": 2, "interval": 7200.0})
    written = to_table(server)
    assert accepted(written) == server
    assert set(written) <= set(keys_for(table["source"]))
    assert table.items() <= written.items()
    assert isinstance(written["interval"], int)
    assert "quantity_divisor" not in to_table(accepted(table))


@pytest.mark.parametrize("table", [WINRM, CVAD, CLOUD, PARTNER, LMSTAT, COMMAND])
def test_ordinary_settings_have_no_warnings(table: dict[str, Any]) -> None:
    assert server_warnings(accepted(table)) == ()
    # Plain HTTP has nothing to verify, and WinRM encrypts its messages itself.
    assert server_warnings(accepted(WINRM | {"verify": False, "url": "http://h"})) == ()


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        (WINRM, {"verify": False}, "verify = false"),
        (WINRM, {"interval": 60}, "interval = 60: recommended minimum is 900 s"),
        (WINRM, {"url": "http://h", "auth": "basic"}, "the password is sent unencrypted"),
        (WINRM, {"username": "", "secret": ""}, "using the account"),
        (CVAD, {"url": "http://h"}, "the password is sent unencrypted"),
        (CLOUD, {"url": "http://127.0.0.1:8"}, "the secret is sent unencrypted"),
        (PARTNER, {"interval": 900}, "recommended minimum is 3600 s (license servers report once"),
        (PARTNER, {"trust_url": "http://h"}, "trust_url is http://"),
        (PARTNER, {"url": "https://h"}, "the secret is sent to https://trust.citrixworkspaces"),
        (LMSTAT, {"interval": 60}, "Citrix guidance"),
        (LMSTAT, {"lmutil": "/no/lmutil"}, "lmutil: /no/lmutil: file is not executable"),
        (LMSTAT, {"verify": False}, "verify has no effect"),
        (COMMAND, {"command": ["no-such-program"]}, "not on PATH"),
    ],
)
def test_risky_settings_are_warned_about(
    table: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    assert words in "\n".join(server_warnings(accepted(table | change)))


@pytest.mark.parametrize(
    ("arguments", "is_secret"),
    [
        (["--password=hunter2"], True),
        (["--password", "hunter2"], True),
        (["-p", "x", "/Password:hunter2"], True),
        (["-e", "LIC_TOKEN=hunter2"], True),
        (["curl", "https://joe:hunter2@h/x"], True),
        (["--api-key", "hunter2"], True),
        (["ssh", "lic01", "Get-LicInventory | ConvertTo-Json"], False),
        (["--password-file", "/etc/pw"], False),
        (["--password-file=/etc/pw"], False),
        (["cat", "tokens.txt", "compass=north", "--no-password"], False),
    ],
)
def test_secret_in_a_command_is_warned_about_without_repeating_it(
    arguments: list[str], *, is_secret: bool
) -> None:
    warnings = "\n".join(server_warnings(accepted(COMMAND | {"command": ["cat", *arguments]})))
    assert ("appears to contain a secret" in warnings) is is_secret
    assert "hunter2" not in warnings
