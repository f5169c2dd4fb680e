"""Every cell of every screen is readable in every theme: 4.5 to 1, secondary text 3 to 1."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import pytest
from rich.color import Color, ColorSystem, ColorType
from tests.screens.test_views import CHANGES, FOUND, LAB, PRODUCT
from tests.support.example_board import growing_series
from tests.support.fake_engine import FakeEngine
from tests.support.running_app import RunningApp, running_app
from textual.theme import Theme

from lictui.config.settings import Settings
from lictui.tui.theme import CONSOLE_THEMES

CONSOLE = tuple(  # the 16 colors of the Linux console, the darkest usual ones
    (r, g, b)
    for high in (0, 0x55)
    for r, g, b in (
        (high + 0xAA * (n & 1), high + 0xAA * (n >> 1 & 1), high + 0xAA * (n >> 2))
        for n in range(8)
    )
)
GRAPHICS = "·■▪'#"  # and lines, blocks, braille
VISITS: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    ("dashboard", ("down",), {}),
    ("dashboard", ("slash", *"[x"), {}),
    ("products", ("down",), {}),
    ("usage", ("left",), PRODUCT),
    ("usage", ("h",), PRODUCT),
    ("servers", ("down", "down"), {}),
    ("servers", ("x",), {}),
    ("server", (), {"server": "lic-emea-01"}),
    ("alerts", ("down",), {}),
    ("alerts", ("home", "z"), {}),
    ("entitlements", (), {}),
    ("help", (), {}),
    ("form", ("ctrl+t",), {"server": LAB}),
    ("form", ("shift+tab", "down"), {}),
    ("data_sources", (), {"servers": ("lic-emea-01",), "product": "XDT_PLT_UD"}),
    ("dashboard", ("colon", *"e"), {}),
)


@lru_cache
def rgb(color: Color | None, colors: int, *, is_ink: bool) -> tuple[int, int, int]:
    if color is None or color.is_default:
        return CONSOLE[7 if is_ink else 0]
    if color.type is ColorType.STANDARD and color.number is not None:
        return CONSOLE[color.number]
    if colors == 256:
        color = color.downgrade(ColorSystem.EIGHT_BIT)
    return tuple(color.get_truecolor())  # type: ignore[return-value]


def luminance(color: tuple[int, int, int]) -> float:
    linear = [((c + 14.025) / 269.025) ** 2.4 if c > 10 else c / 3294.6 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@lru_cache
def contrast(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> float:
    dark, light = sorted((luminance(ink), luminance(paper)))
    return (light + 0.05) / (dark + 0.05)


def unreadable(run: RunningApp, colors: int) -> Iterator[tuple[str, float]]:
    """The texts that are hard to read; the edge of a scroll bar is none, nor its hyphen."""
    app = run.app
    quiet = Color.parse(app.theme_variables["quiet"].replace("ansi_", ""))
    region = app.screen.children[0].region if app.screen.is_modal else app.screen.region
    strips = app.screen._compositor.render_strips(app.size)[region.y : region.bottom]
    for strip in strips:
        for shown, style, _ in strip.crop(region.x, region.right):
            text = "".join(c for c in shown if c not in GRAPHICS and not "─" <= c <= "▟").strip()
            is_bar = text == "-" and style is not None and style.reverse
            if not text or is_bar or style is None or min(text) >= "\N{BRAILLE PATTERN BLANK}":
                continue
            ink, paper = (
                (style.bgcolor, style.color) if style.reverse else (style.color, style.bgcolor)
            )
            ratio = contrast(rgb(ink, colors, is_ink=True), rgb(paper, colors, is_ink=False))
            if ratio < (3 if ink == quiet else 4.5):
                yield text, round(ratio, 2)


@pytest.mark.parametrize("theme", CONSOLE_THEMES, ids=lambda theme: theme.name)
def test_tones_are_readable_on_every_background(theme: Theme) -> None:
    """Also on the cursor; of terminal colors there is one ink for it, and one background."""
    colors = vars(theme) | theme.variables
    inks = ("accent", "success", "warning", "error", "over", "foreground", "primary")
    pairs = [("on-chosen", "chosen"), *product(inks, ("background", "surface", "panel"))]
    pairs += [] if theme.ansi else product((*inks, "quiet"), ("chosen",))
    for depth, (ink, paper) in product((16, 256), pairs):
        shades = (
            rgb(Color.parse(colors[name].replace("ansi_", "")), depth, is_ink=name == ink)
            for name in (ink, paper)
        )
        assert contrast(*shades) >= 4.5, (ink, paper, depth)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theme", "colors"),
    [("lictui-dark", 0), ("lictui-light", 0), ("lictui-colour-blind", 0), ("lictui-ansi", 16)],
)
async def test_every_cell_is_readable(theme: str, colors: int) -> None:
    engine = FakeEngine(growing_series, journal=CHANGES, test_steps=FOUND)
    async with running_app(
        size=(100, 30),
        engine=engine,
        settings=Settings(theme=theme),
        options={"console": colors == 16},
    ) as run:
        bad: dict[str, object] = {}
        for screen, keys, kwargs in VISITS:
            run.app.show_view("alerts")
            run.app.show_view(screen, **kwargs)
            await run.press(*keys)
            for depth in (colors, 256):
                if found := sorted(set(unreadable(run, depth))):
                    bad[f"{screen} {keys} {depth}"] = found
        assert bad == {}
