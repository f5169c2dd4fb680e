"""contract.toml: what it may say, and what is said of what it may not."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from lictui.config.entitlements import Entitlement, load_entitlements
from lictui.config.reload import ConfigWatcher
from lictui.errors import ConfigError
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def test_no_file_is_no_contract(paths: Paths) -> None:
    assert load_entitlements(paths) == ()


def test_everything_it_can_say(paths: Paths) -> None:
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
    ("text", "said"),
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
def test_what_is_wrong_is_said_with_its_place(paths: Paths, text: str, said: str) -> None:
    paths.entitlements.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_entitlements(paths)
    assert said in str(caught.value)


def test_a_change_is_picked_up_and_a_bad_file_leaves_the_contract(paths: Paths) -> None:
    watcher = ConfigWatcher(paths)
    watcher.reload_if_changed()
    paths.entitlements.write_text("[[product]]\nproduct = 'P'\npurchased = 5\n")
    found = watcher.reload_if_changed()
    assert found is not None
    assert found.settings.entitlements == (Entitlement("P", 5),)
    paths.entitlements.write_text("[[product]]\nproduct = 'P'\n")
    found = watcher.reload_if_changed()
    assert found is not None
    assert found.settings.entitlements == (Entitlement("P", 5),)
    assert [problem.message for problem in found.problems] == ["is missing"]
