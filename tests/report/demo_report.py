"""`python -m tests.report.demo_report [FOLDER]`: the demo's report in every format.

Takes chromium, pdftoppm (poppler-utils) and soffice (libreoffice-calc) from the path; what is
missing is said and left out. Nothing of it belongs in the repository.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lictui.simulator.demo import Demo

CONTRACT = """
[[product]]
product = "XDT_PLT_CCS"
purchased = 8000
cost = 42.5
currency = "EUR"
renewal = 2027-01-31

[[product]]
product = "XDT_ENT_UD"
purchased = 1000
cost = 30
currency = "EUR"
"""
FORMATS = ("html", "xlsx", "md", "csv", "png")
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


def run(*command: str) -> None:
    """Run a program that is there; say so if it is not."""
    if shutil.which(command[0]) is None:
        sys.stderr.write(f"{command[0]} is missing: left out\n")
        return
    subprocess.run(command, check=False, capture_output=True, timeout=120)


def write(folder: Path) -> None:
    """The report of the demo's last month, in every format."""
    with Demo(speed=1.0) as demo:
        (demo.paths.config_dir / "contract.toml").write_text(CONTRACT)
        where = ("--config-dir", demo.paths.config_dir, "--data-dir", demo.paths.data_dir)
        lictui = (sys.executable, "-m", "lictui")
        # What ends is told by the servers themselves, so they are asked once.
        subprocess.run([*lictui, "status", *where], check=False, stdout=subprocess.DEVNULL)
        for form in FORMATS:
            file = folder / f"report.{form}"
            subprocess.run([*lictui, "report", *where, "--format", form, "-o", file], check=True)


def look(folder: Path) -> None:
    """The page on a light and a dark screen and on paper, the workbook on paper, all as PNG."""
    page = (folder / "report.html").as_uri()
    size = "--window-size=1100,3000"
    dark = "--blink-settings=preferredColorScheme=0"
    run(*CHROMIUM, size, f"--screenshot={folder / 'light.png'}", page)
    run(*CHROMIUM, size, dark, f"--screenshot={folder / 'dark.png'}", page)
    run(*CHROMIUM, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'paper.pdf'}", page)
    run(
        "soffice",
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder / "calc"),
        str(folder / "report.xlsx"),
    )
    for pdf in (folder / "paper.pdf", folder / "calc" / "report.pdf"):
        if pdf.exists():
            run("pdftoppm", "-r", "80", "-png", str(pdf), str(pdf.with_suffix("")))


def main() -> None:
    """Write and look."""
    named = sys.argv[1:] or [tempfile.mkdtemp(prefix="lictui-report-")]
    folder = Path(named[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
    look(folder)
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()
