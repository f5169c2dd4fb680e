"""Form fields by source, and the conversion to a servers.toml entry."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.config import server_schema
from lictui.model import Server, SourceName
from lictui.tui.screens import server_fields

CVAD = Server(
    "ddc", SourceName.CVAD, "https://ddc.example", "user", "file:/etc/secret",
    site="Main", overview_paths=("/a", "/b/{site}"),
)  # fmt: skip
SERVERS = (
    Server(
        "lic-01", SourceName.WINRM, "https://lic-01.example:5986/wsman", r"CORP\svc", "env:SECRET",
        "ntlm", verify="sha256:" + "ab" * 32, group="emea", interval=1800.0, enabled=False,
    ),
    CVAD,
    Server(
        "daas", SourceName.CITRIX_CLOUD, "https://api-eu.cloud.com", "id", "env:SECRET",
        customer_id="acme", experimental=True, same_as="ddc",
    ),
    Server(
        "csp", SourceName.PARTNER, "https://h", "id", "env:SECRET",
        customer_id="acme", trust_url="https://t",
    ),
    Server("l", SourceName.LMSTAT, address="27000@a,@b", lmutil="/lmutil", quantity_divisor=2),
    Server(
        "c", SourceName.COMMAND, command=("ssh", "lic01", "Get-LicInventory | To-Json", "[x"),
        format="get-licinventory", licenses_available="free",
    ),
)  # fmt: skip


@pytest.mark.parametrize("server", SERVERS)
def test_form_values_round_trip_a_server(server: Server) -> None:
    raw = server_fields.toml_values(server_fields.form_values(server))
    assert server_schema.validate_server(raw, Path("/")) == (server, ())


def fields(**values: str) -> set[str]:
    return set(server_fields.visible_fields(values))


def test_visible_fields_depend_on_the_source_and_its_choices() -> None:
    assert {"auth", "secret"} <= fields(source="winrm")
    assert not {"site", "customer_id", "certificate"} & fields(source="winrm")
    assert {"site", "overview_paths"} <= fields(source="cvad")
    assert "auth" not in fields(source="cvad")
    assert "certificate" in fields(source="winrm", auth="certificate")
    assert not {"username", "secret"} & fields(source="winrm", auth="certificate")
    for form, visible in (("", True), ("get-liclasinventory", True), ("lmstat", False)):
        assert ("licenses_available" in fields(source="command", format=form)) is visible


def test_toml_values_omit_defaults_and_fields_of_other_sources() -> None:
    draft = server_fields.form_values(CVAD) | {"source": "winrm"}
    assert "site" not in server_fields.toml_values(draft)
    draft = {"url": "https://a", "verify": "true", "interval": "900", "enabled": "true"}
    assert server_fields.toml_values(draft) == {"source": "winrm", "url": "https://a"}


@pytest.mark.parametrize(
    ("source", "key", "value", "name"),
    [
        ("cvad", "url", "https://lic01.corp.example:5986/wsman", "lic01"),
        ("cvad", "url", "lic01.corp.example", "lic01"),
        ("cvad", "url", "https://10.1.0.7", "server"),
        ("cvad", "url", "https://[::1]:5986", "server"),
        ("cvad", "url", "https://[", ""),
        ("cvad", "url", "", ""),
        ("lmstat", "address", "27000@lic01.corp.example,@lic02", "lic01"),
        ("lmstat", "address", "lic01", "lic01"),
        ("citrix-cloud", "customer_id", "acme", "acme"),
        ("partner", "url", "https://h", ""),
        ("command", "command", "ssh lic01", ""),
    ],
)
def test_suggested_name_is_the_host_or_the_customer(
    source: str, key: str, value: str, name: str
) -> None:
    assert server_fields.suggested_name({"source": source, key: value}) == name


@pytest.mark.parametrize(
    ("url", "hosts", "name"),
    [
        ("https://lic01", ("LIC-EMEA-01.corp.example",), "lic01-3"),
        ("https://10.1.0.7", (), "server-2"),
        ("https://10.1.0.7", ("LIC-EMEA-01.corp.example", "x"), "LIC-EMEA-01"),
        ("https://10.1.0.7", ("10.1.0.7",), "10.1.0.7"),
    ],
)
def test_suggested_name_is_free_and_no_address_if_a_test_found_a_name(
    url: str, hosts: tuple[str, ...], name: str
) -> None:
    taken = {"lic01", "lic01-2", "server"}
    assert server_fields.suggested_name({"url": url}, taken, hosts) == name


@pytest.mark.parametrize(
    ("key", "readable", "hidden"),
    [
        ("secret", ("e", "env:X", "file:x"), ("hunter2", "envy")),
        ("verify", ("t", "True", "sha256:4f", "/ca.pem", "./ca.pem", "~/ca"), ("hunter2", "sha1")),
        ("certificate", ("/client.pem",), ("hunter2", "true")),
        ("username", ("hunter2",), ()),
    ],
)
def test_field_distinguishes_possible_passwords_from_its_own_values(
    key: str, readable: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    assert not any(server_fields.is_password(key, text) for text in ("", *readable))
    assert all(server_fields.is_password(key, text) for text in hidden)


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
        assert field.choices or field.example or field.default
        assert len(field.example) <= 40  # of the narrowest field
        assert len(field.help) <= 2 * 78


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
