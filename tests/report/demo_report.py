"""`python -m tests.report.demo_report [FOLDER]`: the demo report in every format, with screenshots.

Needs chromium, pdftoppm (poppler-utils) and soffice (libreoffice-calc) on the path; a step whose
program is missing is skipped with a message.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lictui.simulator.demo import run_demo

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
    """Run a program; skip it with a message if it is not installed."""
    if shutil.which(command[0]) is None:
        sys.stderr.write(f"skipped: {command[0]} is not installed\n")
        return
    subprocess.run(command, check=False, capture_output=True, timeout=120)


def write_reports(folder: Path) -> None:
    """Write the report of the demo's last month in every format."""
    with run_demo(speed=1.0) as demo:
        (demo.paths.config_dir / "contract.toml").write_text(CONTRACT)
        folders = ("--config-dir", demo.paths.config_dir, "--data-dir", demo.paths.data_dir)
        lictui = (sys.executable, "-m", "lictui")
        # Expirations are not part of the generated history: poll every server once.
        subprocess.run([*lictui, "status", *folders], check=False, stdout=subprocess.DEVNULL)
        for name in FORMATS:
            file = folder / f"report.{name}"
            subprocess.run([*lictui, "report", *folders, "--format", name, "-o", file], check=True)


def take_screenshots(folder: Path) -> None:
    """Render the page on a light and a dark screen and on paper, and the workbook on paper."""
    page = (folder / "report.html").as_uri()
    size = "--window-size=1100,3000"
    dark = "--blink-settings=preferredColorScheme=0"
    run(*CHROMIUM, size, f"--screenshot={folder / 'light.png'}", page)
    run(*CHROMIUM, size, dark, f"--screenshot={folder / 'dark.png'}", page)
    run(*CHROMIUM, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'paper.pdf'}", page)
    convert = ["soffice", "--headless", "--convert-to", "pdf", "--outdir"]
    run(*convert, str(folder / "calc"), str(folder / "report.xlsx"))
    for pdf in (folder / "paper.pdf", folder / "calc" / "report.pdf"):
        if pdf.exists():
            run("pdftoppm", "-r", "80", "-png", str(pdf), str(pdf.with_suffix("")))


def main() -> None:
    """Write the reports and the screenshots to FOLDER, or to a new temporary folder."""
    arguments = sys.argv[1:] or [tempfile.mkdtemp(prefix="lictui-report-")]
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    write_reports(folder)
    take_screenshots(folder)
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()
