import pytest
from tests.support.polls import failure_from, failure_in

from lictui.config.settings import Limits
from lictui.model import FailureKind, Server, SourceName, Step
from lictui.sources.network import host_port, origin, proxy_for, proxy_url, require_encryption


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://ddc01.corp.example", "ddc01.corp.example:443"),
        ("http://lic01:5985/wsman?x=1", "lic01:5985"),
        ("https://[2001:db8::7]:8443/a", "[2001:db8::7]:8443"),
        ("http://10.0.0.9", "10.0.0.9:80"),
    ],
)
def test_origin_has_host_and_port(url: str, address: str) -> None:
    parsed = origin(url)
    assert host_port(parsed) == address
    assert parsed.path == "/"
    assert not parsed.query


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a:hunter2@ddc01", "https://", "https://a:hunter2@ddc01", "https://x:99999999"],
)
def test_invalid_address_is_a_config_failure(url: str) -> None:
    failure = failure_in(lambda: origin(url))
    assert failure.kind is FailureKind.CONFIG
    assert "hunter2" not in failure.message


@pytest.mark.parametrize(
    "url", ["http://ddc01", "http://10.0.0.9:8080", "http://localhost.evil.example"]
)
def test_password_is_not_sent_unencrypted(url: str) -> None:
    failure = failure_in(lambda: require_encryption(url))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert "https://" in failure.hint
    for safe in ("https://ddc01", "http://127.0.0.1:80", "http://[::1]", "http://localhost"):
        require_encryption(safe)


@pytest.mark.parametrize(
    ("url", "own", "of_all", "environment", "proxy"),
    [
        ("https://lic01", "", "", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://lic01", "", "", {"https_proxy": "p:1"}, "http://p:1"),
        ("http://lic01", "", "", {"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://p:1"}, ""),
        ("https://127.0.0.1", "", "http://q:1", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("https://lic01", "", "", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "lic01"}, ""),
        ("https://lic01", "", "http://q:1", {"HTTPS_PROXY": "http://p:1"}, "http://q:1"),
        ("https://localhost", "http://o:1", "http://q:1", {}, "http://o:1"),
    ],
)
def test_proxy_is_that_of_the_server_of_all_or_of_the_environment(
    url: str,
    own: str,
    of_all: str,
    environment: dict[str, str],
    proxy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    server = Server("x", SourceName.CVAD, url, proxy=own)
    assert proxy_for(server, Limits(proxy=of_all)) == proxy


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("env:NONE_SUCH", "proxy: env:NONE_SUCH is not set"),
        ("env:LICTUI_PROXY", "proxy is not the URL of an HTTP proxy"),
    ],
)
async def test_proxy_that_cannot_be_used_is_a_config_failure(
    proxy: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_PROXY", "ftp://user:hunter2@p")
    server = Server("x", SourceName.CVAD, "https://lic01", proxy=proxy)
    failure = await failure_from(proxy_url(server, Limits(), 10))
    assert (failure.kind, failure.message) == (FailureKind.CONFIG, message)


def test_proxy_of_another_kind_is_a_config_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://p:1")
    server = Server("x", SourceName.CVAD, "https://lic01")
    assert failure_in(lambda: proxy_for(server, Limits())).kind is FailureKind.CONFIG
