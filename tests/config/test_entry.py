from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lictui.config.server_schema import FieldError, server_warnings, to_table, validate_server
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


def test_a_winrm_server_is_completed() -> None:
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
def test_a_winrm_address_is_completed(given: str, completed: str) -> None:
    assert good(WINRM | {"url": given}).url == completed


@pytest.mark.parametrize(
    ("given", "completed"),
    [("https://h/", "https://h"), ("https://h:8443", "https://h:8443")],
)
def test_a_cvad_address_is_the_origin(given: str, completed: str) -> None:
    assert good(CVAD | {"url": given}).url == completed


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("lic01", "no https:// in front"),
        ("ftp://lic01", "https:// or http://"),
        ("https://", "no host"),
        ("https:///wsman", "no host"),
        ("https://a b", "no address"),
        ("https://a\nb", "U+000A"),
        ("https://h:99999", "no address"),
        ("https://h:0", "no address"),
        ("https://h:port", "no address"),
        ("https://[::1", "no address"),
        ("https://h?x=1", "no address"),
        ("https://10.0.0.999", "no host"),
        ("https://-h", "no host"),
        ("https://" + "a" * 300, "no host"),
    ],
)
def test_what_is_no_address_is_refused(url: str, words: str) -> None:
    refusal = refused(WINRM | {"url": url})
    assert refusal.key == "url"
    assert words in refusal.message


def test_a_cvad_path_belongs_elsewhere() -> None:
    assert "overview_paths" in refused(CVAD | {"url": "https://h/citrix"}).hint


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    for url in ("https://joe:hunter2@h", "joe:hunter2@h"):
        refusal = refused(WINRM | {"url": url})
        assert "hunter2" not in str(refusal)
        assert refusal.hint == "use username and secret for them"


@pytest.mark.parametrize(
    "secret", ["hunter2", "env:", "env: ", "envv:X", "https://hunter2", "env:hunter2!", "file:"]
)
def test_a_secret_that_is_no_reference_is_refused_and_not_repeated(secret: str) -> None:
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
        ({"name": 5}, "name", "must be text"),
        ({"auth": "digest"}, "auth", "negotiate · kerberos"),
        ({"interval": 0}, "interval", "from 1 to"),
        ({"interval": "900"}, "interval", "must be a number"),
        ({"enabled": "yes"}, "enabled", "true or false"),
        ({"verify": "true"}, "verify", "without the quotes"),
        ({"verify": "sha256:12"}, "verify", "64 hexadecimal digits, not 2"),
        ({"verify": 1}, "verify", "must be text"),
        ({"site": "PROD"}, "site", "is a key of cvad, not of winrm"),
        ({"usrname": "x"}, "usrname", "no such key"),
        ({"auth": "certificate"}, "certificate", "is missing"),
        ({"certificate": "/x.pem"}, "certificate", "is of no use"),
        ({"secret": ""}, "secret", "is missing"),
        ({"auth": "basic", "username": ""}, "username", "is missing"),
        (
            {"auth": "certificate", "certificate": "/x.pem", "url": "http://h"},
            "url",
            "must be https://",
        ),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], key: str, words: str) -> None:
    refusal = refused(WINRM | change)
    assert refusal.key == key
    assert words in refusal.message


def test_what_is_close_is_suggested() -> None:
    assert refused(WINRM | {"source": "winrn"}).hint == "did you mean winrm?"
    assert refused(WINRM | {"usrname": "x"}).hint == "did you mean username?"


@pytest.mark.parametrize(
    ("paths", "words"),
    [(["x"], "begin with /"), (["/{tenant}"], "placeholder {tenant}"), ("/x", "a list of texts")],
)
def test_overview_paths_are_checked(paths: object, words: str) -> None:
    assert words in refused(CVAD | {"overview_paths": paths}).message


def test_overview_paths_may_hold_customer_and_site() -> None:
    paths = ["/{customer}/{site}/Licensing"]
    assert good(CVAD | {"overview_paths": paths}).overview_paths == tuple(paths)


def test_everything_that_is_missing_is_said_at_once() -> None:
    _, refusals = validate_server({}, BASE)
    assert [refusal.key for refusal in refusals] == ["name", "source", "url"]


def test_who_is_logged_in_may_sign_in() -> None:
    server = good(WINRM | {"username": "", "secret": ""})
    assert any("signs in as the user" in warning for warning in server_warnings(server))
    good(WINRM | {"auth": "kerberos", "username": "", "secret": ""})


def test_names_may_hold_anything_that_shows() -> None:
    for name in ("[/x]", "\"quoted\" 'too'", "ümläut 北京 שלום", "👩\u200d💻", "x" * 300):
        assert good(WINRM | {"name": name}).name == name


def test_pins_are_taken_with_and_without_colons() -> None:
    colons = ":".join(PIN[at : at + 2] for at in range(0, 64, 2)).upper()
    assert good(WINRM | {"verify": f"SHA256:{colons}"}).verify == f"sha256:{PIN}"


def test_paths_hold_from_every_folder() -> None:
    server = good(WINRM | {"verify": "ca.pem", "secret": "file:pw"})
    assert (server.verify, server.secret) == ("/etc/lictui/ca.pem", "file:/etc/lictui/pw")
    by_certificate = {"auth": "certificate", "certificate": "me.pem", "secret": ""}
    assert good(WINRM | by_certificate).certificate == "/etc/lictui/me.pem"
    assert good(WINRM | {"secret": "file:~/pw"}).secret == f"file:{Path.home()}/pw"


def test_what_is_risky_is_allowed_and_warned_about() -> None:
    def said(change: dict[str, Any], table: dict[str, Any] = WINRM) -> str:
        return "\n".join(server_warnings(good(table | change)))

    assert said({}) == ""
    assert "verify = false" in said({"verify": False})
    assert "interval = 60: 900 s" in said({"interval": 60})
    assert said({"interval": 900}) == ""
    assert "travels readable" in said({"url": "http://h", "auth": "basic"})
    assert said({"verify": False, "url": "http://h"}) == ""  # there is nothing to verify
    assert said({"url": "http://h"}) == ""  # the messages are encrypted
    assert "travels readable" in said({"url": "http://h"}, CVAD)


def test_a_table_says_no_more_than_it_must() -> None:
    assert to_table(good(CVAD | {"interval": 90.0})) == CVAD | {
        "verify": True,
        "interval": 90,
        "enabled": True,
    }
