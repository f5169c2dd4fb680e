from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.config.server_schema import (
    COMMAND_FORMATS,
    FieldError,
    flexnet_addresses,
    keys_for,
    server_warnings,
    to_table,
    validate_server,
)
from lictui.config.toml_document import InvalidValue
from lictui.model import Server, SourceName

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


def good(table: dict[str, Any]) -> Server:
    server, refusals = validate_server(table, BASE)
    assert refusals == ()
    assert server is not None
    return server


def refused(table: dict[str, Any]) -> FieldError:
    server, refusals = validate_server(table, BASE)
    assert server is None
    (refusal,) = refusals
    return refusal


def test_winrm_server_gets_its_defaults() -> None:
    server = good(WINRM)
    assert server.source is SourceName.WINRM
    assert server.auth == "negotiate"
    assert (server.verify, server.enabled, server.interval) == (True, True, None)


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ("https://h", "https://h:5986/wsman"),
        ("http://h/", "http://h:5985/wsman"),
        ("HTTPS://LIC01.example:443", "https://lic01.example:443/wsman"),
        ("https://[fe80::1]", "https://[fe80::1]:5986/wsman"),
        ("https://h/other", "https://h:5986/other"),
        ("https://bücher_1.example.", "https://bücher_1.example.:5986/wsman"),
    ],
)
def test_winrm_url_gets_port_and_path(given: str, completed: str) -> None:
    assert good(WINRM | {"url": given}).url == completed


@pytest.mark.parametrize(
    ("given", "completed"),
    [("https://h/", "https://h"), ("https://h:8443", "https://h:8443")],
)
def test_cvad_url_is_an_origin(given: str, completed: str) -> None:
    assert good(CVAD | {"url": given}).url == completed


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("lic01", "missing https://"),
        ("ftp://lic01", "https:// or http://"),
        ("https://", "invalid host"),
        ("https:///wsman", "invalid host"),
        ("https://a b", "invalid URL"),
        ("https://a\nb", "U+000A"),
        ("https://h:99999", "invalid URL"),
        ("https://h:0", "invalid URL"),
        ("https://h:port", "invalid URL"),
        ("https://[::1", "invalid URL"),
        ("https://h?x=1", "invalid URL"),
        ("https://10.0.0.999", "invalid host"),
        ("https://-h", "invalid host"),
        ("https://" + "a" * 300, "invalid host"),
    ],
)
def test_invalid_url_is_refused(url: str, words: str) -> None:
    refusal = refused(WINRM | {"url": url})
    assert refusal.key == "url"
    assert words in refusal.message


def test_cvad_url_with_path_hints_at_overview_paths() -> None:
    assert "overview_paths" in refused(CVAD | {"url": "https://h/citrix"}).hint


def test_url_with_credentials_is_refused_without_repeating_them() -> None:
    for url in ("https://joe:hunter2@h", "joe:hunter2@h"):
        refusal = refused(WINRM | {"url": url})
        assert "hunter2" not in str(refusal)
        assert refusal.hint == "use username and secret"


@pytest.mark.parametrize(
    "secret", ["hunter2", "env:", "env: ", "envv:X", "https://hunter2", "env:hunter2!", "file:"]
)
def test_secret_that_is_not_a_reference_is_refused_without_repeating_it(secret: str) -> None:
    refusal = refused(WINRM | {"secret": secret})
    assert refusal.key == "secret"
    assert "hunter2" not in str(refusal)


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"source": "winrn"}, "source", "must be one of winrm · cvad"),
        ({"name": "  "}, "name", "must not be empty"),
        ({"name": "a\x1b[31m"}, "name", "U+001B"),
        ({"name": "a\u202eb"}, "name", "U+202E"),
        ({"name": 5}, "name", "must be a string"),
        ({"auth": "digest"}, "auth", "negotiate · kerberos"),
        ({"interval": 0}, "interval", "from 1 to"),
        ({"interval": "900"}, "interval", "must be a number"),
        ({"enabled": "yes"}, "enabled", "true or false"),
        ({"verify": "true"}, "verify", 'must be true, not "true"'),
        ({"verify": "sha256:12"}, "verify", "64 hex digits, got 2 characters"),
        ({"verify": 1}, "verify", "must be a string"),
        ({"site": "PROD"}, "site", "belongs to source cvad, not to winrm"),
        ({"usrname": "x"}, "usrname", "unknown key"),
        ({"auth": "certificate"}, "certificate", "is missing"),
        ({"certificate": "/x.pem"}, "certificate", "not applicable"),
        ({"secret": ""}, "secret", "is missing"),
        ({"auth": "basic", "username": ""}, "username", "is missing"),
        (
            {"auth": "certificate", "certificate": "/x.pem", "url": "http://h"},
            "url",
            "must start with https://",
        ),
    ],
)
def test_invalid_value_is_refused(change: dict[str, Any], key: str, words: str) -> None:
    refusal = refused(WINRM | change)
    assert refusal.key == key
    assert words in refusal.message


@pytest.mark.parametrize("name", ["estate", "Estate", " estate "])
def test_name_of_all_servers_is_refused_for_one(name: str) -> None:
    error = refused(WINRM | {"name": name})
    assert (error.key, error.message) == ("name", "estate is the name of all servers together")
    assert error.hint == "choose another name"


def test_similar_value_is_suggested() -> None:
    assert refused(WINRM | {"source": "winrn"}).hint == "did you mean winrm?"
    assert refused(WINRM | {"usrname": "x"}).hint == "did you mean username?"


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["x"], "must start with /"),
        (["/{tenant}"], "placeholder {tenant}"),
        ("/x", "a list of strings"),
    ],
)
def test_overview_paths_are_checked(paths: object, words: str) -> None:
    assert words in refused(CVAD | {"overview_paths": paths}).message


def test_overview_paths_may_hold_customer_and_site() -> None:
    paths = ["/{customer}/{site}/Licensing"]
    assert good(CVAD | {"overview_paths": paths}).overview_paths == tuple(paths)


def test_missing_keys_are_reported_together() -> None:
    _, refusals = validate_server({}, BASE)
    assert [refusal.key for refusal in refusals] == ["name", "source", "url"]


def test_winrm_without_username_uses_the_current_account() -> None:
    server = good(WINRM | {"username": "", "secret": ""})
    assert any("using the account" in warning for warning in server_warnings(server))
    good(WINRM | {"auth": "kerberos", "username": "", "secret": ""})


def test_name_may_contain_any_printable_character() -> None:
    for name in ("[/x]", "\"quoted\" 'too'", "ümläut 北京 שלום", "👩\u200d💻", "x" * 300):
        assert good(WINRM | {"name": name}).name == name


def test_pin_is_accepted_with_and_without_colons() -> None:
    colons = ":".join(PIN[at : at + 2] for at in range(0, 64, 2)).upper()
    assert good(WINRM | {"verify": f"SHA256:{colons}"}).verify == f"sha256:{PIN}"


def test_relative_paths_start_at_the_config_folder() -> None:
    server = good(WINRM | {"verify": "ca.pem", "secret": "file:pw"})
    assert (server.verify, server.secret) == ("/etc/lictui/ca.pem", "file:/etc/lictui/pw")
    by_certificate = {"auth": "certificate", "certificate": "me.pem", "secret": ""}
    assert good(WINRM | by_certificate).certificate == "/etc/lictui/me.pem"
    assert good(WINRM | {"secret": "file:~/pw"}).secret == f"file:{Path.home()}/pw"


def test_risky_settings_are_warned_about() -> None:
    def said(change: dict[str, Any], table: dict[str, Any] = WINRM) -> str:
        return "\n".join(server_warnings(good(table | change)))

    assert said({}) == ""
    assert "verify = false" in said({"verify": False})
    assert "interval = 60: recommended minimum is 900 s" in said({"interval": 60})
    assert said({"interval": 900}) == ""
    assert "sent unencrypted" in said({"url": "http://h", "auth": "basic"})
    assert said({"verify": False, "url": "http://h"}) == ""  # there is nothing to verify
    assert said({"url": "http://h"}) == ""  # the messages are encrypted
    assert "sent unencrypted" in said({"url": "http://h"}, CVAD)


def test_table_leaves_out_defaults() -> None:
    assert to_table(good(CVAD | {"interval": 90.0})) == CVAD | {
        "verify": True,
        "interval": 90,
        "enabled": True,
    }


def test_cloud_sources_have_default_urls() -> None:
    assert good(CLOUD).url == "https://api.cloud.com"
    partner = good(PARTNER)
    assert partner.url == "https://licensing.citrixworkspacesapi.net"
    assert partner.trust_url == "https://trust.citrixworkspacesapi.net"
    one = {"url": "https://h:8443/", "trust_url": "https://h:8443"}
    assert (good(PARTNER | one).url, good(PARTNER | one).trust_url) == ("https://h:8443",) * 2


@pytest.mark.parametrize("table", [CLOUD, PARTNER])
@pytest.mark.parametrize("key", ["customer_id", "username", "secret"])
def test_cloud_sources_require_an_account(table: dict[str, Any], key: str) -> None:
    refusal = refused(table | {key: ""})
    assert (refusal.key, refusal.message) == (key, "is missing")
    assert refusal.hint


@pytest.mark.parametrize(
    ("table", "change", "key", "words"),
    [
        (CLOUD, {"url": "https://api.cloud.com/licensing"}, "url", "origin only"),
        (CLOUD, {"customer_id": "acme/../root"}, "customer_id", "invalid customer ID"),
        (CLOUD, {"experimental": "yes"}, "experimental", "true or false"),
        (
            CLOUD,
            {"trust_url": "https://h"},
            "trust_url",
            "belongs to source partner, not to citrix",
        ),
        (PARTNER, {"trust_url": "h"}, "trust_url", "missing https://"),
        (PARTNER, {"experimental": True}, "experimental", "belongs to source citrix-cloud, not to"),
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
        (
            COMMAND,
            {"licenses_available": "free"},
            "licenses_available",
            'not applicable with format = "lmstat"',
        ),
        (INVENTORY, {"licenses_available": "used"}, "licenses_available", "one of total · free"),
        (COMMAND, {"same_as": "lic02"}, "same_as", "must not reference itself"),
        (COMMAND, {"quantity_divisor": 0}, "quantity_divisor", "from 1 to 100"),
        (COMMAND, {"quantity_divisor": 1.5}, "quantity_divisor", "an integer"),
    ],
)
def test_invalid_values_of_a_source_are_refused(
    table: dict[str, Any], change: dict[str, Any], key: str, words: str
) -> None:
    refusal = refused(table | change)
    assert refusal.key == key
    assert words in refusal.message


@pytest.mark.parametrize("table", [LMSTAT, COMMAND])
@pytest.mark.parametrize("verify", [True, False])
def test_verify_is_accepted_without_tls_and_false_warned_about(
    table: dict[str, Any], *, verify: bool
) -> None:
    told = [each for each in server_warnings(good(table | {"verify": verify})) if "verify" in each]
    assert [each.startswith("verify has no effect") for each in told] == [True] * (not verify)


def test_close_values_of_a_source_are_suggested() -> None:
    assert refused(COMMAND | {"format": "lmstats"}).hint == "did you mean lmstat?"
    assert refused(LMSTAT | {"lmutils": "x"}).hint == "did you mean lmutil?"
    assert "27000@lic01" in refused(LMSTAT | {"url": "https://h"}).hint


def test_every_command_format_is_accepted() -> None:
    for each in COMMAND_FORMATS:
        assert good(COMMAND | {"format": each}).format == each
    assert good(INVENTORY | {"licenses_available": "free"}).licenses_available == "free"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("27000@lic01", "27000@lic01"),
        ("@lic01.corp.example", "@lic01.corp.example"),
        (" 27000@a , 27000@b,27001@c", "27000@a,27000@b,27001@c"),
        ("27000@10.0.0.7", "27000@10.0.0.7"),
        ("27000@fe80::1", "27000@fe80::1"),
    ],
)
def test_flexnet_address_is_port_at_host(given: str, kept: str) -> None:
    assert good(LMSTAT | {"address": given}).address == kept


@pytest.mark.parametrize(
    ("address", "words", "hint"),
    [
        ("lic01", "is not PORT@HOST", "27000@lic01"),
        ("lic01:27001", "is not PORT@HOST", "27001@lic01"),
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
    refusal = refused(LMSTAT | {"address": address})
    assert refusal.key == "address"
    assert words in refusal.message
    assert hint in refusal.hint


@given(st.text(max_size=40))
def test_flexnet_addresses_are_stable_or_refused(text: str) -> None:
    try:
        kept = flexnet_addresses(text)
    except InvalidValue:
        return
    assert flexnet_addresses(kept) == kept
    assert not kept.startswith("-")


def test_relative_programs_start_at_the_config_folder() -> None:
    assert good(LMSTAT | {"lmutil": "bin/lmutil"}).lmutil == "/etc/lictui/bin/lmutil"
    assert good(LMSTAT | {"lmutil": "lmutil"}).lmutil == "lmutil"
    assert good(COMMAND | {"command": ["./read", "./x"]}).command == ("/etc/lictui/read", "./x")
    assert good(COMMAND | {"command": ["~/read"]}).command == (f"{Path.home()}/read",)


@pytest.mark.parametrize("table", [CLOUD, PARTNER, LMSTAT, COMMAND, INVENTORY])
def test_table_describes_the_same_server(table: dict[str, Any]) -> None:
    server = good(table | {"same_as": "other", "quantity_divisor": 2, "interval": 7200})
    again = to_table(server)
    assert good(again) == server
    assert set(again) <= set(keys_for(table["source"]))
    assert table.items() <= again.items()


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        (CLOUD, {"url": "http://127.0.0.1:8"}, "the secret is sent unencrypted"),
        (CLOUD, {"verify": False}, "verify = false"),
        (CLOUD, {"interval": 60}, "interval = 60: recommended minimum is 900 s"),
        (PARTNER, {"interval": 900}, "recommended minimum is 3600 s (license servers report once"),
        (PARTNER, {"trust_url": "http://h"}, "trust_url is http://"),
        (PARTNER, {"url": "https://h"}, "the secret is sent to https://trust.citrixworkspaces"),
        (LMSTAT, {"interval": 60}, "Citrix guidance"),
        (LMSTAT, {"lmutil": "/no/lmutil"}, "lmutil: /no/lmutil: file is not executable"),
        (COMMAND, {"command": ["no-such-program"]}, "not on PATH"),
        (COMMAND, {"interval": 60}, "interval = 60"),
    ],
)
def test_risky_settings_of_a_source_are_warned_about(
    table: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    assert server_warnings(good(table)) == ()
    assert words in "\n".join(server_warnings(good(table | change)))


@pytest.mark.parametrize(
    "words",
    [
        ["--password=hunter2"],
        ["--password", "hunter2"],
        ["-p", "x", "/Password:hunter2"],
        ["-e", "LIC_TOKEN=hunter2"],
        ["curl", "https://joe:hunter2@h/x"],
        ["--api-key", "hunter2"],
    ],
)
def test_secret_in_a_command_is_warned_about_without_repeating_it(words: list[str]) -> None:
    said = "\n".join(server_warnings(good(COMMAND | {"command": ["cat", *words]})))
    assert "appears to contain a secret" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "words",
    [
        ["ssh", "lic01", "Get-LicInventory | ConvertTo-Json"],
        ["--password-file", "/etc/pw"],
        ["--password-file=/etc/pw"],
        ["cat", "tokens.txt", "compass=north", "--no-password"],
    ],
)
def test_command_without_a_secret_has_no_warning(words: list[str]) -> None:
    assert server_warnings(good(COMMAND | {"command": ["cat", *words]})) == ()
