from tests.configuration_page import ENTITLEMENT_HELP, FILE, configuration_page

from lictui.config.entitlements import ENTITLEMENT_KEYS
from lictui.config.server_schema import keys_for
from lictui.config.settings import KEYS


def test_configuration_page_is_current() -> None:
    written = FILE.read_text(encoding="utf-8")
    assert written == configuration_page(), "run .venv/bin/python -m tests.configuration_page"


def test_configuration_page_describes_every_key() -> None:
    assert set(ENTITLEMENT_HELP) == set(ENTITLEMENT_KEYS)
    page = configuration_page()
    assert [key for key in keys_for("") if f"| `{key}` |" not in page] == []
    assert [key.name for key in KEYS if key.help not in page] == []
