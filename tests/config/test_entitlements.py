"""contract.toml: its keys and its problems."""

from datetime import date
from pathlib import Path

import pytest

from lictui.config.entitlements import Entitlement, load_entitlements
from lictui.errors import ConfigError
from lictui.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def test_entitlements_without_a_file_are_none(paths: Paths) -> None:
    assert load_entitlements(paths) == ()


def test_entitlements_contain_every_key(paths: Paths) -> None:
    paths.entitlements.write_text(
        '[[product]]\nproduct = "XDT_PLT_CCS"\npurchased = 500\ncost = 99.5\ncurrency = "EUR"\n'
        'renewal = 2027-03-31\nserver = "lic-01"\n'
        '[[product]]\nproduct = "XDT_PLT_CCS"\npurchased = 0\ngroup = "emea"\n'
        'renewal = "2027-01-02"\n'
    )
    assert load_entitlements(paths) == (
        Entitlement("XDT_PLT_CCS", 500, 99.5, "EUR", date(2027, 3, 31), "lic-01"),
        Entitlement("XDT_PLT_CCS", 0, renewal=date(2027, 1, 2), group="emea"),
    )


P = "[[product]]\nproduct = 'P'\n"
FIVE = f"{P}purchased = 5\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{FIVE}purchase = 5", ":4: product[0].purchase: unknown key (did you mean purchased?)"),
        (P, "product[0].purchased: is missing"),
        (f"{P}purchased = '5'", ":3: product[0].purchased: must be an integer"),
        (f"{FIVE}renewal = 'soon'", ':4: product[0].renewal: must be a date, not "soon"'),
        (f"{FIVE}renewal = 2027-03-31T00:00:00", "must be a date"),
        (f"{FIVE}server = 'a'\ngroup = 'b'", "remove one"),
        (FIVE * 2, ":5: product[1].product: duplicate entry for P (first on line 2"),
        ("[product]\nproduct = 'P'", "must be a list of tables (write [[product]])"),
        ("products = 1", ":1: products: unknown key"),
        ("[[product", "invalid TOML"),
    ],
)
def test_invalid_entitlement_is_refused_with_its_position(
    paths: Paths, text: str, words: str
) -> None:
    paths.entitlements.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_entitlements(paths)
    assert words in str(caught.value)
