"""The themes: dark, light, the terminal's own 16 colours, and one for colour-blind eyes.

Owns colours. Must not know what is drawn with them: screens use the theme's
variables alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

# What the drawing needs beyond Textual's own names; the values serve themes of other makers.
DEFAULTS: Final = {
    "over": "#c678dd",
    "quiet": "#7f8490",
    "frame": "#4b5263",
    "chosen": "#3a4150",
}

THEMES: Final = (
    Theme(
        name="lictui-dark",
        primary="#7aa2f7",
        secondary="#5c7bc0",
        accent="#7dcfff",
        success="#73c991",
        warning="#e5c07b",
        error="#f07178",
        foreground="#d5d9e0",
        background="#16181d",
        surface="#1d2027",
        panel="#252932",
        variables={"over": "#d18cf5", "quiet": "#868d9b", "frame": "#4a5160", "chosen": "#2e3644"},
    ),
    Theme(
        name="lictui-light",
        primary="#2456b8",
        secondary="#4a6fb5",
        accent="#0b6e99",
        success="#1d7a3f",
        warning="#9a5b00",
        error="#b3202a",
        foreground="#22262e",
        background="#fafafa",
        surface="#f0f1f3",
        panel="#e4e6ea",
        dark=False,
        variables={"over": "#7b2fa8", "quiet": "#666d79", "frame": "#b3b9c4", "chosen": "#d6e2f7"},
    ),
    Theme(
        name="lictui-ansi",
        ansi=True,
        primary="ansi_blue",
        secondary="ansi_cyan",
        accent="ansi_cyan",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            "over": "ansi_magenta",
            "quiet": "ansi_bright_black",
            "frame": "ansi_bright_black",
            "chosen": "ansi_blue",
            # Names that Textual's own widgets need from a theme of the terminal's colours.
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "border-blurred": "ansi_bright_black",
            "block-cursor-foreground": "ansi_black",
            "block-cursor-background": "ansi_white",
            "input-cursor-background": "ansi_white",
            "input-cursor-foreground": "ansi_black",
            "input-cursor-text-style": "none",
            "input-selection-background": "ansi_bright_blue",
            "input-selection-foreground": "ansi_black",
            "screen-selection-background": "ansi_bright_blue",
            "screen-selection-foreground": "ansi_black",
        },
    ),
    Theme(
        name="lictui-colour-blind",
        # Okabe and Ito's palette: told apart with every common colour vision.
        primary="#56b4e9",
        secondary="#0072b2",
        accent="#56b4e9",
        success="#0ca77d",
        warning="#f0e442",
        error="#e8743b",
        foreground="#e6e6e6",
        background="#14161a",
        surface="#1c1f25",
        panel="#262a32",
        variables={"over": "#d98cc0", "quiet": "#8b919c", "frame": "#4d5462", "chosen": "#2c3a4a"},
    ),
)


def register(app: App[int]) -> None:
    """Make the themes known to Textual."""
    for theme in THEMES:
        app.register_theme(theme)
