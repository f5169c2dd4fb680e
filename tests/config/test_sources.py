from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.config import server_schema
from lictui.config.server_schema import (
    COMMAND_FORMATS,
    FieldError,
    keys_for,
    server_warnings,
    to_table,
    validate_server,
)
from lictui.config.toml_document import InvalidValue

if TYPE_CHECKING:
    from lictui.model import Server

BASE = Path("/etc/lictui")
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


def test_what_citrix_calls_its_hosts_need_not_be_said() -> None:
    assert good(CLOUD).url == "https://api.cloud.com"
    partner = good(PARTNER)
    assert partner.url == "https://licensing.citrixworkspacesapi.net"
    assert partner.trust_url == "https://trust.citrixworkspacesapi.net"
    one = {"url": "https://h:8443/", "trust_url": "https://h:8443"}
    assert (good(PARTNER | one).url, good(PARTNER | one).trust_url) == ("https://h:8443",) * 2


@pytest.mark.parametrize("table", [CLOUD, PARTNER])
@pytest.mark.parametrize("key", ["customer_id", "username", "secret"])
def test_an_account_is_needed(table: dict[str, Any], key: str) -> None:
    refusal = refused(table | {key: ""})
    assert (refusal.key, refusal.message) == (key, "is missing")
    assert refusal.hint


@pytest.mark.parametrize(
    ("table", "change", "key", "words"),
    [
        (CLOUD, {"url": "https://api.cloud.com/licensing"}, "url", "origin alone"),
        (CLOUD, {"customer_id": "acme/../root"}, "customer_id", "no customer id"),
        (CLOUD, {"experimental": "yes"}, "experimental", "true or false"),
        (CLOUD, {"trust_url": "https://h"}, "trust_url", "is a key of partner, not of citrix"),
        (PARTNER, {"trust_url": "h"}, "trust_url", "no https:// in front"),
        (PARTNER, {"experimental": True}, "experimental", "is a key of citrix-cloud, not of"),
        (LMSTAT, {"address": ""}, "address", "is missing"),
        (LMSTAT, {"url": "https://h"}, "url", "lmstat speaks no HTTP"),
        (LMSTAT, {"format": "lmstat"}, "format", "is a key of command, not of lmstat"),
        (COMMAND, {"command": ""}, "command", "is missing"),
        (COMMAND, {"command": []}, "command", "must not be empty"),
        (COMMAND, {"command": "ssh lic01 cat x"}, "command", "list of words, not one text"),
        (COMMAND, {"command": ["ssh", 5]}, "command", "must be text"),
        (COMMAND, {"command": ["ssh", ""]}, "command", "must not be empty"),
        (COMMAND, {"format": ""}, "format", "is missing"),
        (COMMAND, {"format": "lmstats"}, "format", "must be one of get-licinventory"),
        (COMMAND, {"secret": "env:X"}, "secret", "command speaks no HTTP"),
        (COMMAND, {"licenses_available": "free"}, "licenses_available", 'no use with "lmstat"'),
        (INVENTORY, {"licenses_available": "used"}, "licenses_available", "one of total · free"),
        (COMMAND, {"same_as": "lic02"}, "same_as", "this server itself"),
        (COMMAND, {"quantity_divisor": 0}, "quantity_divisor", "from 1 to 100"),
        (COMMAND, {"quantity_divisor": 1.5}, "quantity_divisor", "whole number"),
    ],
)
def test_what_cannot_be_is_refused(
    table: dict[str, Any], change: dict[str, Any], key: str, words: str
) -> None:
    refusal = refused(table | change)
    assert refusal.key == key
    assert words in refusal.message


@pytest.mark.parametrize("table", [LMSTAT, COMMAND])
@pytest.mark.parametrize("verify", [True, False])
def test_verify_does_no_harm_where_nothing_is_verified(
    table: dict[str, Any], *, verify: bool
) -> None:
    told = [each for each in server_warnings(good(table | {"verify": verify})) if "verify" in each]
    assert [each.startswith("verify is of no use") for each in told] == [True] * (not verify)


def test_what_is_close_is_suggested() -> None:
    assert refused(COMMAND | {"format": "lmstats"}).hint == "did you mean lmstat?"
    assert refused(LMSTAT | {"lmutils": "x"}).hint == "did you mean lmutil?"
    assert "27000@lic01" in refused(LMSTAT | {"url": "https://h"}).hint


def test_every_format_can_be_registered() -> None:
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
def test_a_flexnet_address_is_port_at_host(given: str, kept: str) -> None:
    assert good(LMSTAT | {"address": given}).address == kept


@pytest.mark.parametrize(
    ("address", "words", "hint"),
    [
        ("lic01", "is not PORT@HOST", "27000@lic01"),
        ("lic01:27001", "is not PORT@HOST", "27001@lic01"),
        ("/etc/license.lic", "is not PORT@HOST", "PORT@HOST"),
        ("27000@", "no host", "PORT@HOST"),
        ("27000@a,", "is not PORT@HOST", "PORT@HOST"),
        ("27000@a;27000@b", "no port", "27000@b"),
        ("0@a", "no port", "27000@a"),
        ("99999@a", "no port", "27000@a"),
        ("lic@a", "no port", "27000@a"),
        ("27000@-c", "no host", "PORT@HOST"),
        ("27000@10.0.0.999", "no host", "PORT@HOST"),
        ("27000@a b", "no host", "PORT@HOST"),
    ],
)
def test_what_is_no_flexnet_address_is_refused(address: str, words: str, hint: str) -> None:
    refusal = refused(LMSTAT | {"address": address})
    assert refusal.key == "address"
    assert words in refusal.message
    assert hint in refusal.hint


@given(st.text(max_size=40))
def test_any_address_is_kept_or_refused_and_what_is_kept_stays(text: str) -> None:
    try:
        kept = server_schema.flexnet_addresses(text)
    except InvalidValue:
        return
    assert server_schema.flexnet_addresses(kept) == kept
    assert not kept.startswith("-")


def test_programs_named_by_a_path_hold_from_every_folder() -> None:
    assert good(LMSTAT | {"lmutil": "bin/lmutil"}).lmutil == "/etc/lictui/bin/lmutil"
    assert good(LMSTAT | {"lmutil": "lmutil"}).lmutil == "lmutil"
    assert good(COMMAND | {"command": ["./read", "./x"]}).command == ("/etc/lictui/read", "./x")
    assert good(COMMAND | {"command": ["~/read"]}).command == (f"{Path.home()}/read",)


@pytest.mark.parametrize("table", [CLOUD, PARTNER, LMSTAT, COMMAND, INVENTORY])
def test_a_table_gives_the_same_server_again(table: dict[str, Any]) -> None:
    server = good(table | {"same_as": "other", "quantity_divisor": 2, "interval": 7200})
    again = to_table(server)
    assert good(again) == server
    assert set(again) <= set(keys_for(table["source"]))
    assert table.items() <= again.items()


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        (CLOUD, {"url": "http://127.0.0.1:8"}, "the secret travels readable"),
        (CLOUD, {"verify": False}, "verify = false"),
        (CLOUD, {"interval": 60}, "interval = 60: 900 s"),
        (PARTNER, {"interval": 900}, "3600 s is the shortest advised (license servers report once"),
        (PARTNER, {"trust_url": "http://h"}, "trust_url is http://"),
        (PARTNER, {"url": "https://h"}, "the secret is sent to https://trust.citrixworkspaces"),
        (LMSTAT, {"interval": 60}, "Citrix asks for no more"),
        (LMSTAT, {"lmutil": "/no/lmutil"}, "lmutil: /no/lmutil: nothing there can be run"),
        (COMMAND, {"command": ["no-such-program"]}, "not on this machine's PATH"),
        (COMMAND, {"interval": 60}, "interval = 60"),
    ],
)
def test_what_is_risky_is_allowed_and_warned_about(
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
def test_a_secret_in_a_command_is_warned_about_and_not_repeated(words: list[str]) -> None:
    said = "\n".join(server_warnings(good(COMMAND | {"command": ["cat", *words]})))
    assert "looks like a secret" in said
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
def test_a_command_without_a_secret_is_not_warned_about(words: list[str]) -> None:
    assert server_warnings(good(COMMAND | {"command": ["cat", *words]})) == ()
