"""`python -m tests.report.demo_report [FOLDER]`: the demo's report and renewal pack, with pictures.

Needs chromium, pdftoppm (poppler-utils) and soffice (libreoffice-calc) on the path; a step whose
program is missing is skipped with a message.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.demo import run_demo

CONTRACT = """
[[product]]
product = "XDT_PLT_UD"
purchased = 5500
cost = 30
currency = "EUR"

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


def main(folder: Path) -> None:
    """Write the report of the demo's last month in every format, and pictures of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with run_demo(speed=1.0) as demo:
        (demo.paths.config_dir / "contract.toml").write_text(CONTRACT)
        folders = (
            "--config-dir",
            str(demo.paths.config_dir),
            "--data-dir",
            str(demo.paths.data_dir),
        )
        lictui = (sys.executable, "-m", "lictui")
        # Expirations are not part of the generated history: poll every server once.
        run(*lictui, "status", *folders)
        for name in FORMATS:
            run(*lictui, "report", *folders, "--format", name, "-o", str(folder / f"report.{name}"))
        run(*lictui, "renewal", *folders, "-o", str(folder / "renewal"))
    dark = "--blink-settings=preferredColorScheme=0"
    for page in (folder / "report.html", folder / "renewal" / "renewal.html"):
        target, size = str(page.with_suffix("")), "--window-size=1100,3000"
        run(*CHROMIUM, size, f"--screenshot={target}-light.png", page.as_uri())
        run(*CHROMIUM, size, dark, f"--screenshot={target}-dark.png", page.as_uri())
        paper = f"--print-to-pdf={target}-paper.pdf"
        run(*CHROMIUM, "--no-pdf-header-footer", paper, page.as_uri())
        calc = page.parent / "calc"
        convert = ("soffice", "--headless", "--convert-to", "pdf", "--outdir", str(calc))
        run(*convert, f"{target}.xlsx")
        for pdf in (Path(f"{target}-paper.pdf"), calc / f"{page.stem}.pdf"):
            run("pdftoppm", "-r", "80", "-png", str(pdf), str(pdf.with_suffix("")))
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main(Path((*sys.argv[1:], tempfile.mkdtemp(prefix="lictui-report-"))[0]).resolve())
