"""`make pictures`: write the pictures and the animation of screenshots/ from the demo.

Chromium draws them: the same fonts wherever they are looked at.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from PIL import Image
from tests.report.demo_report import CHROMIUM, CONTRACT
from tests.support.demo import Demo, run_demo
from textual.pilot import Pilot

from lictui.engine.engine import Engine
from lictui.engine.engine_thread import EngineThread
from lictui.tui.app import LictuiApp, WatchOptions

FOLDER: Final = Path(__file__).parents[1] / "screenshots"
START: Final = datetime(2026, 11, 30, 10, 30).astimezone().timestamp()
_SITE: Final = ("tab", "tab", "tab", "enter")  # the fourth server on the dashboard
# name -> (size, theme, keys that open it from the dashboard)
PICTURES: Final = {
    "dashboard": ((120, 36), "lictui-dark", ("down",)),
    "dashboard-80x24": ((80, 24), "lictui-dark", ("down",)),
    "dashboard-light": ((120, 36), "lictui-light", ("down",)),
    "products": ((120, 26), "lictui-dark", ("2",)),
    "usage": ((120, 36), "lictui-dark", (*_SITE, "m")),
    "heat-map": ((120, 30), "lictui-dark", (*_SITE, "h")),
    "servers": ((120, 28), "lictui-dark", ("4", "down", "down")),
    "form": ((100, 32), "lictui-dark", ("4", "down", "down", "down", "e", "ctrl+t")),
    "alerts": ((120, 30), "lictui-dark", ("5",)),
    "watch": ((120, 36), "lictui-dark", ()),
}
# Keys, and how long their frame stays, in seconds
FILM: Final = (
    ("", 2.2), (".", 1.0), ("2", 2.4), ("down", 0.4), ("down", 0.4), ("1", 0.6), ("tab", 0.4),
    ("tab", 0.4), ("tab", 1.2), ("enter", 2.4), ("m", 1.6), ("h", 2.0), ("5", 2.4), ("4", 1.6),
    ("1", 0.4), ("T", 1.6),
)  # fmt: skip
_FILM_SIZE: Final = (100, 28)
_INCIDENT: Final = 50 * 60  # seconds after the start: one server fails, one runs short
_FILM_WIDTH: Final = 960  # pixels
_BATCH: Final = 8  # frames that Chromium draws at once


async def take_pictures(monitor: EngineThread, demo: Demo) -> dict[str, str]:
    """Return every picture as SVG."""
    pictures = {}
    for name, (size, theme, keys) in PICTURES.items():
        options: dict[str, Any] = {"watch": WatchOptions()} if name == "watch" else {}
        app = LictuiApp(monitor, demo.clock, board=monitor.board, **options)
        async with app.run_test(size=size) as pilot:
            app.theme = theme
            for key in ("", *keys, ""):
                await press(pilot, key)
            app.clear_notifications()
            await pilot.pause()
            pictures[name] = app.export_screenshot(title="lictui")
    return pictures


async def take_film(monitor: EngineThread, demo: Demo) -> list[str]:
    """Return the frames of the animation as SVG."""
    frames = []
    app = LictuiApp(monitor, demo.clock, board=monitor.board, demo=True)
    app.started_at = START
    async with app.run_test(size=_FILM_SIZE) as pilot:
        app.theme = "lictui-dark"
        app.progress = 1.0
        for key, _ in FILM:
            app.publish(monitor.board)
            await press(pilot, key)
            title = " · ".join(("lictui --demo", *key.split()))
            frames.append(app.export_screenshot(title=title))
    return frames


async def press(pilot: Pilot[int], key: str) -> None:
    if key:
        await pilot.press(key)
    for _ in range(8):  # answers of the engine thread arrive later
        await asyncio.sleep(0.1)
        await pilot.pause()


def chromium(page: Path, size: tuple[int, int], picture: Path) -> Image.Image:
    """Return the picture of a page."""
    flags = (f"--screenshot={picture}", f"--window-size={size[0]},{size[1]}", page.as_uri())
    subprocess.run([*CHROMIUM, *flags], check=True, capture_output=True, timeout=300)
    with Image.open(picture) as image:
        return image.convert("RGB")


def draw(drawings: Iterable[str], folder: Path, width: int = 0) -> list[Image.Image]:
    """Draw SVG pictures, `width` pixels wide if that is given."""
    pictures, rest = [], list(drawings)
    while rest:
        batch, rest = rest[:_BATCH], rest[_BATCH:]
        sizes = []
        for svg in batch:
            across, down = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)', svg)[0])
            scale = (width or across) / across
            sizes.append((round(across * scale), round(down * scale)))
        page = folder / "page.html"
        boxes = (
            f'<div style="width:{w}px;height:{h}px;overflow:hidden">{svg}</div>'
            for svg, (w, h) in zip(batch, sizes, strict=True)
        )
        style = "body{margin:0;background:#fff}svg{display:block;width:100%;height:100%}"
        page.write_text(f"<meta charset=utf-8><style>{style}</style>{''.join(boxes)}")
        whole = max(w for w, _ in sizes), sum(h for _, h in sizes)
        image, top = chromium(page, whole, folder / "page.png"), 0
        for w, h in sizes:
            pictures.append(image.crop((0, top, w, top + h)))
            top += h
    return pictures


def save(image: Image.Image, name: str) -> None:
    """Save a picture with few colors: a third of the size, and no difference to be seen."""
    file = FOLDER / f"{name}.png"
    image.quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)
    sys.stdout.write(f"{file.name} {file.stat().st_size:,} bytes\n")


def save_film(frames: list[Image.Image]) -> None:
    """Save the animation with one palette for all frames, so that only changes are stored."""
    strip = Image.new("RGB", (frames[0].width, sum(frame.height for frame in frames)))
    for at, frame in enumerate(frames):
        strip.paste(frame, (0, at * frame.height))
    palette = strip.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    file, times = FOLDER / "demo.gif", [round(seconds * 1000) for _, seconds in FILM]
    first.save(file, save_all=True, append_images=others, duration=times, loop=0, optimize=False)
    sys.stdout.write(f"{file.name} {file.stat().st_size:,} bytes, {sum(times) / 1000:.0f} s\n")


def report_page(demo: Demo, folder: Path) -> Path:
    """Write the report of the last month."""
    (demo.paths.config_dir / "contract.toml").write_text(CONTRACT)
    page, paths = folder / "report.html", demo.paths
    command = (sys.executable, "-m", "lictui", "report", "--format", "html", "-o", str(page))
    folders = ("--config-dir", str(paths.config_dir), "--data-dir", str(paths.data_dir))
    subprocess.run([*command, *folders], check=True)
    return page


async def main(folder: Path) -> None:
    """Take every picture of one simulated estate."""
    os.environ["COLORTERM"] = "truecolor"
    for old in FOLDER.glob("*"):
        old.unlink()
    with run_demo(start=START) as demo:
        monitor = EngineThread(Engine(demo.paths, demo.clock))
        monitor.start()
        try:
            monitor.start_polling(lambda _board, _settings: None)
            await demo.clock.sleep(START + _INCIDENT - demo.clock.now())
            frames = await take_film(monitor, demo)
            pictures = await take_pictures(monitor, demo)
        finally:
            monitor.stop()
        save(chromium(report_page(demo, folder), (1000, 1300), folder / "r.png"), "report")
    for name, image in zip(pictures, draw(pictures.values(), folder), strict=True):
        save(image, name)
    save_film(draw(frames, folder, _FILM_WIDTH))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(main(Path(temporary)))
