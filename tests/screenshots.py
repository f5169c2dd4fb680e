"""`make screenshots`: write pictures of the demo to screenshots/.

Textual writes SVG; the picture of the README is also written as PNG if Chromium is installed.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.demo import run_demo
from textual.pilot import Pilot

from lictui.engine.engine import Engine, EngineThread
from lictui.model import State
from lictui.tui.app import LictuiApp

FOLDER: Final = Path(__file__).parents[1] / "screenshots"
README: Final = "dashboard"
# name -> (size, theme, keys that open it from the dashboard)
PICTURES: Final = {
    "dashboard": ((120, 40), "lictui-dark", ()),
    "dashboard-80x24": ((80, 24), "lictui-dark", ()),
    "dashboard-light": ((120, 40), "lictui-light", ()),
    "products": ((120, 24), "lictui-dark", ("2",)),
    "usage": ((120, 40), "lictui-dark", ("2", "down", "down", "down", "down", "down", "enter")),
    "servers": ((120, 24), "lictui-dark", ("4", "down", "down")),
    "register": ((100, 30), "lictui-dark", ("4", "down", "down", "down", "e", "ctrl+t")),
    "alerts": ((120, 30), "lictui-dark", ("5",)),
}


async def main() -> None:
    """Take every picture of one simulated estate."""
    os.environ["COLORTERM"] = "truecolor"
    FOLDER.mkdir(exist_ok=True)
    with run_demo(seed=1, speed=60.0) as demo:
        monitor = EngineThread(Engine(demo.paths, demo.clock))
        monitor.start()
        try:
            monitor.start_polling(lambda _board, _settings: None)
            while any(status.state is State.WAITING for status in monitor.board.servers):
                await demo.clock.sleep(1.0)
            for name, (size, theme, keys) in PICTURES.items():
                app = LictuiApp(monitor, demo.clock, board=monitor.board, demo=True)
                async with app.run_test(size=size) as pilot:
                    app.theme = theme
                    await _press(pilot, keys)
                    app.save_screenshot(f"{name}.svg", str(FOLDER))
                sys.stdout.write(f"screenshots/{name}.svg\n")
        finally:
            monitor.stop()


def to_png(picture: Path) -> None:
    """Convert an SVG to PNG with Chromium, if it is installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return
    width, height = re.findall(r'viewBox="0 0 (\d+)[.\d]* (\d+)', picture.read_text())[0]
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    shot = f"--screenshot={picture.with_suffix('.png')}"
    size = f"--window-size={width},{height}"
    subprocess.run(
        [chromium, *flags, size, shot, picture.as_uri()], check=True, capture_output=True
    )


async def _press(pilot: Pilot[int], keys: tuple[str, ...]) -> None:
    for key in (*keys, ""):
        if key:
            await pilot.press(key)
        for _ in range(5):  # answers of the engine thread arrive later
            await asyncio.sleep(0.1)
            await pilot.pause()


if __name__ == "__main__":
    asyncio.run(main())
    to_png(FOLDER / f"{README}.svg")
