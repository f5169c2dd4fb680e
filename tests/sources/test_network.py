import pytest

from lictui.model import FailureKind, Step
from lictui.sources.network import host_port, origin, require_encryption
from lictui.sources.source import SourceError


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
    with pytest.raises(SourceError) as caught:
        origin(url)
    assert caught.value.failure.kind is FailureKind.CONFIG
    assert "hunter2" not in caught.value.failure.message


@pytest.mark.parametrize(
    "url", ["http://ddc01", "http://10.0.0.9:8080", "http://localhost.evil.example"]
)
def test_password_is_not_sent_unencrypted(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        require_encryption(url)
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert "https://" in failure.hint
    for safe in ("https://ddc01", "http://127.0.0.1:80", "http://[::1]", "http://localhost"):
        require_encryption(safe)
