"""The pictures of the README: the terminal as SVG, drawn by rich, and the HTML report as WebP, taken by Chromium.

    python images/make.py

Needs what `pip install '.[dev]'` brings, and chromium with its chromedriver (Debian: apt-get install chromium chromium-driver).
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from selenium import webdriver

from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.report import Page
from lossdoctor.diagnose import diagnose
from lossdoctor.reports.html.report import Html
from lossdoctor.reports.terminal.report import Terminal

HERE = Path(__file__).resolve().parent
LOG = "sample_runs/overfitting_few_samples/trainer_state.json"
WIDTH, HEIGHT = 1040, 930  # px of the page
COLUMNS = 80  # of the terminal
DARK = TerminalTheme((26, 30, 34), (231, 234, 236), [(0, 0, 0)] * 8)  # the report has its own colours, none of a theme's


def main() -> None:
    with contextlib.chdir(HERE.parent):
        found = diagnose(LOG)
    (HERE / "terminal.svg").write_text(terminal(found), encoding="utf-8")
    html = Html().diagnoses(found, Page())
    for scheme in ("light", "dark"):
        (HERE / f"report-{scheme}.webp").write_bytes(picture(html, scheme))
    for file in sorted(HERE.glob("*.[sw]*")):
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def terminal(found: list[Diagnosis]) -> str:
    """What ``lossdoctor diagnose`` prints, up to the list of what was examined."""
    printed = Terminal().diagnoses(found, Page(width=COLUMNS, color=True))
    shown = re.split(r"\n\S*What was examined", printed)[0]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ lossdoctor diagnose {LOG}\n{shown}"))
    svg = console.export_svg(title="lossdoctor", theme=DARK)
    return re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.S)  # it would be loaded from the net


def picture(html: str, scheme: str) -> bytes:
    """The top of the page in a browser."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        try:
            file.write(html)
            file.flush()
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            browser.get(Path(file.name).as_uri())
            shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 82})
        finally:
            browser.quit()
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main()
