from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.config import server_schema
from lictui.model import Server, SourceName
from lictui.tui.screens import server_fields

WINRM = Server(
    "lic-01",
    SourceName.WINRM,
    "https://lic-01.example:5986/wsman",
    r"CORP\svc",
    "env:SECRET",
    "ntlm",
    verify="sha256:" + "ab" * 32,
    group="emea",
    interval=1800.0,
    enabled=False,
)
CVAD = Server(
    "ddc",
    SourceName.CVAD,
    "https://ddc.example",
    "user",
    "file:/etc/secret",
    site="Main",
    overview_paths=("/a", "/b/{site}"),
)


CLOUD = Server(
    "daas",
    SourceName.CITRIX_CLOUD,
    "https://api-eu.cloud.com",
    "id",
    "env:SECRET",
    customer_id="acme",
    experimental=True,
    same_as="ddc",
)
PARTNER = Server(
    "csp",
    SourceName.PARTNER,
    "https://h",
    "id",
    "env:SECRET",
    customer_id="acme",
    trust_url="https://t",
)
LMSTAT = Server("l", SourceName.LMSTAT, address="27000@a,@b", lmutil="/lmutil", quantity_divisor=2)
COMMAND = Server(
    "c",
    SourceName.COMMAND,
    command=("ssh", "lic01", "Get-LicInventory | ConvertTo-Json", "[x"),
    format="get-licinventory",
    licenses_available="free",
)


@pytest.mark.parametrize(
    "server",
    [WINRM, CVAD, CLOUD, PARTNER, LMSTAT, COMMAND],
)
def test_a_server_survives_the_form_unchanged(server: Server) -> None:
    raw = server_fields.toml_values(server_fields.form_values(server))
    assert server_schema.validate_server(raw, Path("/")) == (server, ())


def test_a_source_asks_only_for_what_it_needs() -> None:
    winrm, cvad = (
        server_fields.visible_fields({"source": "winrm"}),
        server_fields.visible_fields({"source": "cvad"}),
    )
    assert {"auth", "secret"} <= set(winrm)
    assert not {"site", "customer_id", "certificate"} & set(winrm)
    assert {"site", "overview_paths"} <= set(cvad)
    assert "auth" not in cvad
    assert (winrm["interval"].default, cvad["interval"].default) == ("900", "60")


def test_a_certificate_takes_the_place_of_user_and_secret() -> None:
    needed = server_fields.visible_fields({"source": "winrm", "auth": "certificate"})
    assert "certificate" in needed
    assert not {"username", "secret"} & set(needed)


def test_fields_of_the_other_source_do_not_reach_the_registry() -> None:
    draft = server_fields.form_values(CVAD) | {"source": "winrm"}
    assert "site" not in server_fields.toml_values(draft)


def test_empty_fields_and_defaults_are_left_out() -> None:
    draft = {"url": "https://a", "verify": "true", "interval": "900", "enabled": "true"}
    assert server_fields.toml_values(draft) == {"source": "winrm", "url": "https://a"}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://lic01.corp.example:5986/wsman", "lic01"),
        ("lic01.corp.example", "lic01"),
        ("https://10.1.0.7", "10.1.0.7"),
        ("https://[::1]:5986", "::1"),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_the_name_is_suggested_by_the_host(url: str, name: str) -> None:
    assert server_fields.suggested_name({"source": "cvad", "url": url}) == name


@pytest.mark.parametrize(
    ("draft", "name"),
    [
        ({"source": "lmstat", "address": "27000@lic01.corp.example,@lic02"}, "lic01"),
        ({"source": "lmstat", "address": "lic01"}, "lic01"),
        ({"source": "citrix-cloud", "customer_id": "acme", "url": "https://h"}, "acme"),
        ({"source": "partner", "url": "https://h"}, ""),
        ({"source": "command", "command": "ssh lic01"}, ""),
    ],
)
def test_the_name_is_suggested_by_what_a_source_is_known_by(
    draft: dict[str, str], name: str
) -> None:
    assert server_fields.suggested_name(draft) == name


@given(st.dictionaries(st.sampled_from(list(server_fields.ALL_FIELDS)), st.text(max_size=30)))
def test_whatever_is_typed_the_registry_gets_a_table_to_judge(draft: dict[str, str]) -> None:
    draft["source"] = tuple(SourceName)[len(draft.get("source", "")) % len(SourceName)]
    server, refusals = server_schema.validate_server(server_fields.toml_values(draft), Path("/"))
    assert (server is None) == bool(refusals)
    assert all(refusal.key in server_fields.ALL_FIELDS for refusal in refusals)


def test_every_key_that_a_registry_entry_can_have_has_a_field() -> None:
    for source in SourceName:
        assert set(server_schema.keys_for(source)) <= set(server_fields.ALL_FIELDS)


@pytest.mark.parametrize("source", SourceName)
def test_every_field_that_is_typed_has_an_example_and_help(source: SourceName) -> None:
    needed = server_fields.visible_fields({"source": source})
    assert next(iter(needed)) == "source"
    for field in needed.values():
        assert field.help
        assert field.choices or field.example
        assert len(field.example) <= 33  # what there is beside a field
        assert len(field.help) <= 2 * 78


def test_citrix_s_own_hosts_stand_in_the_fields_as_what_nothing_means() -> None:
    needed = server_fields.visible_fields({"source": "partner"})
    assert needed["url"].default == "https://licensing.citrixworkspacesapi.net"
    assert needed["trust_url"].default == "https://trust.citrixworkspacesapi.net"
    assert (
        server_fields.visible_fields({"source": "citrix-cloud"})["url"].default
        == "https://api.cloud.com"
    )
    assert server_fields.visible_fields({"source": "winrm"})["url"].default == ""


def test_what_is_available_is_asked_of_an_inventory_alone() -> None:
    for form, asked in (("", True), ("get-liclasinventory", True), ("lmstat", False)):
        draft = {"source": "command", "format": form}
        assert ("licenses_available" in server_fields.visible_fields(draft)) is asked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ssh lic01 'a b'", ["ssh", "lic01", "a b"]),
        ('["ssh", "a b"]', ["ssh", "a b"]),
        ("ssh 'a", "ssh 'a"),
        ("[1", "[1"),
    ],
)
def test_a_command_is_split_as_a_shell_would_or_is_a_list(text: str, words: object) -> None:
    draft = {"source": "command", "command": text}
    assert server_fields.toml_values(draft)["command"] == words
