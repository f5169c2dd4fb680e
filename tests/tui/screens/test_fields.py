from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.config import entry
from lictui.model import Server
from lictui.tui.screens import fields
from lictui.words import SourceName

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


@pytest.mark.parametrize("server", [WINRM, CVAD])
def test_a_server_survives_the_form_unchanged(server: Server) -> None:
    raw = fields.raw_of(fields.draft_of(server))
    assert entry.check(raw, Path("/")) == (server, ())


def test_a_source_asks_only_for_what_it_needs() -> None:
    winrm, cvad = fields.fields({"source": "winrm"}), fields.fields({"source": "cvad"})
    assert {"auth", "secret"} <= set(winrm)
    assert not {"site", "customer_id", "certificate"} & set(winrm)
    assert {"site", "overview_paths"} <= set(cvad)
    assert "auth" not in cvad
    assert (winrm["interval"].default, cvad["interval"].default) == ("900", "60")


def test_a_certificate_takes_the_place_of_user_and_secret() -> None:
    needed = fields.fields({"source": "winrm", "auth": "certificate"})
    assert "certificate" in needed
    assert not {"username", "secret"} & set(needed)


def test_fields_of_the_other_source_do_not_reach_the_registry() -> None:
    draft = fields.draft_of(CVAD) | {"source": "winrm"}
    assert "site" not in fields.raw_of(draft)


def test_empty_fields_and_defaults_are_left_out() -> None:
    draft = {"url": "https://a", "verify": "true", "interval": "900", "enabled": "true"}
    assert fields.raw_of(draft) == {"source": "winrm", "url": "https://a"}


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
    assert fields.suggested_name(url) == name


@given(st.dictionaries(st.sampled_from(list(fields.ALL)), st.text(max_size=30)))
def test_whatever_is_typed_the_registry_gets_a_table_to_judge(draft: dict[str, str]) -> None:
    draft["source"] = "cvad" if len(draft.get("source", "")) % 2 else "winrm"
    server, refusals = entry.check(fields.raw_of(draft), Path("/"))
    assert (server is None) == bool(refusals)
    assert all(refusal.key in fields.ALL for refusal in refusals)


def test_every_key_that_a_registry_entry_can_have_has_a_field() -> None:
    for source in SourceName:
        assert set(entry.keys_of(source)) <= set(fields.ALL)
