"""Form fields by source, and the conversion to a servers.toml entry."""

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
def test_form_values_round_trip_a_server(server: Server) -> None:
    raw = server_fields.toml_values(server_fields.form_values(server))
    assert server_schema.validate_server(raw, Path("/")) == (server, ())


def test_visible_fields_depend_on_the_source() -> None:
    winrm, cvad = (
        server_fields.visible_fields({"source": "winrm"}),
        server_fields.visible_fields({"source": "cvad"}),
    )
    assert {"auth", "secret"} <= set(winrm)
    assert not {"site", "customer_id", "certificate"} & set(winrm)
    assert {"site", "overview_paths"} <= set(cvad)
    assert "auth" not in cvad
    assert (winrm["interval"].default, cvad["interval"].default) == ("900", "60")


def test_certificate_field_replaces_user_and_secret() -> None:
    needed = server_fields.visible_fields({"source": "winrm", "auth": "certificate"})
    assert "certificate" in needed
    assert not {"username", "secret"} & set(needed)


def test_toml_values_omit_fields_of_other_sources() -> None:
    draft = server_fields.form_values(CVAD) | {"source": "winrm"}
    assert "site" not in server_fields.toml_values(draft)


def test_toml_values_omit_empty_fields_and_defaults() -> None:
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
def test_suggested_name_is_the_host(url: str, name: str) -> None:
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
def test_suggested_name_depends_on_the_source(draft: dict[str, str], name: str) -> None:
    assert server_fields.suggested_name(draft) == name


@given(st.dictionaries(st.sampled_from(list(server_fields.ALL_FIELDS)), st.text(max_size=30)))
def test_toml_values_of_any_text_can_be_validated(draft: dict[str, str]) -> None:
    draft["source"] = tuple(SourceName)[len(draft.get("source", "")) % len(SourceName)]
    server, refusals = server_schema.validate_server(server_fields.toml_values(draft), Path("/"))
    assert (server is None) == bool(refusals)
    assert all(refusal.key in server_fields.ALL_FIELDS for refusal in refusals)


def test_fields_cover_every_key_of_servers_toml() -> None:
    for source in SourceName:
        assert set(server_schema.keys_for(source)) <= set(server_fields.ALL_FIELDS)


@pytest.mark.parametrize("source", SourceName)
def test_fields_have_example_and_help_that_fit(source: SourceName) -> None:
    needed = server_fields.visible_fields({"source": source})
    assert next(iter(needed)) == "source"
    for field in needed.values():
        assert field.help
        assert field.choices or field.example
        assert len(field.example) <= 33  # what there is beside a field
        assert len(field.help) <= 2 * 78


def test_fields_default_to_the_hosts_of_citrix() -> None:
    needed = server_fields.visible_fields({"source": "partner"})
    assert needed["url"].default == "https://licensing.citrixworkspacesapi.net"
    assert needed["trust_url"].default == "https://trust.citrixworkspacesapi.net"
    assert (
        server_fields.visible_fields({"source": "citrix-cloud"})["url"].default
        == "https://api.cloud.com"
    )
    assert server_fields.visible_fields({"source": "winrm"})["url"].default == ""


def test_licenses_available_field_is_for_inventories_only() -> None:
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
def test_command_text_is_split_like_a_shell_or_read_as_a_list(text: str, words: object) -> None:
    draft = {"source": "command", "command": text}
    assert server_fields.toml_values(draft)["command"] == words
