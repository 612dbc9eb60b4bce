"""The pieces that terminal reports are laid out from. All text is put in as ``rich.text.Text``: no markup is ever parsed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.diagnosis import Examination, Status
from lossdoctor.core.report import Page
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import ALARMING, as_yaml, evidence, percent, skipped_by_reason

TO_ASCII: dict[str, str | int | None] = {
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{PLUS-MINUS SIGN}": "+/-",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MIDDLE DOT}": "-",
    "\N{FULL BLOCK}": "#",
}
# of the 256 colours, which no theme changes: a contrast of 3.8 or more on black as on white
GOOD, WARN, BAD, NOTE = "color(28)", "color(166)", "color(160)", "color(32)"
SEVERITY_STYLE = {Severity.ERROR: f"bold {BAD}", Severity.WARNING: f"bold {WARN}", Severity.INFO: f"bold {NOTE}"}


def render(parts: Iterable[RenderableType], page: Page) -> str:
    """The parts below each other, as text for the page."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=page.width,
        force_terminal=page.color,
        color_system="256" if page.color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    lines = (line.rstrip() for line in file.getvalue().splitlines())
    text = "\n".join(lines) + "\n"
    return text if page.unicode else text.translate(str.maketrans(TO_ASCII)).encode("ascii", "backslashreplace").decode()


def heading(text: str) -> RenderableType:
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def paragraph(text: str | Text, *, indent: int = 2, style: str = "") -> RenderableType:
    """Text from anywhere, wrapped and indented."""
    return Padding(text if isinstance(text, Text) else Text(plain(text), style=style), (0, 0, 0, indent))


def entry(label: str | Text, *texts: str | Text, indent: int = 2, width: int = 14) -> RenderableType:
    """A label with its text hanging beside it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=width)
    grid.add_column()
    for row, text in enumerate(texts):
        grid.add_row(label if row == 0 else "", text if isinstance(text, Text) else Text(plain(text)))
    return Padding(grid, (0, 0, 0, indent))


def ending(text: str, width: int) -> str:
    """A text that fits its column: of one that is too long the end, which tells runs of one folder apart."""
    return text if len(text) <= width else f"...{text[3 - width :]}"


def status_text(status: Status) -> Text:
    style = GOOD if status.healthy else BAD if status in ALARMING else WARN if status.healthy is False else NOTE
    return Text(status.replace("_", " ").upper(), style=f"bold {style}")


def verdict_line(status: Status, summary: str, facts: Iterable[str]) -> RenderableType:
    """The status in one word, what it means in a sentence, and a few facts below."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row(status_text(status), Text(plain(summary)))
    for fact in facts:
        grid.add_row("", Text(plain(fact), style="dim"))
    return Padding(grid, (0, 0, 0, 2))


def changes(patch: Mapping[str, object], before: Mapping[str, object] | None = None) -> list[Text]:
    """One line a change: ``training.optimizer.lr: 0.1 → 0.01``."""
    lines = []
    for key, value in patch.items():
        line = Text(f"{plain(key)}: ", style="bold")
        if before is not None and key in before:
            line.append(f"{as_yaml(before[key])} → ", style="not bold dim")
        lines.append(line.append(as_yaml(value), style="not bold"))
    return lines


def finding_head(place: int, finding: Finding) -> RenderableType:
    """``1. LR001 learning-rate-too-high   error, confidence 90 %, steps 1,200 to 3,000``."""
    text = Text()
    text.append(plain(f"{finding.code} {finding.name}"), style="bold")
    text.append("  ")
    text.append(finding.severity, style=SEVERITY_STYLE[finding.severity])
    text.append(f", confidence {percent(finding.confidence)}")
    if finding.span:
        text.append(f", steps {number(finding.span[0])} to {number(finding.span[1])}")
    elif finding.step is not None:
        text.append(f", step {number(finding.step)}")
    return numbered(place, text)


def numbered(place: int, text: Text) -> RenderableType:
    """`` 1. text``, the text hanging."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(f"{place:>2}.", text)
    return grid


def finding_body(finding: Finding) -> Iterable[RenderableType]:
    yield paragraph(finding.message, indent=4)
    numbers = [f"{key} {value}" for key, value in evidence(finding).items()]
    if numbers:
        yield paragraph(", ".join(numbers), indent=4, style="dim")


def unexamined(examination: Examination) -> Iterable[RenderableType]:
    """What passed, what was skipped for which reason, and what crashed: a line each."""
    if examination.passed:
        yield entry("passed", " ".join(sorted(examination.passed)))
    if by_reason := skipped_by_reason(examination.skipped):
        yield entry("not examined", *(f"{' '.join(codes)}: {reason}" for reason, codes in by_reason.items()))
    for code, error in examination.crashed.items():
        yield entry(Text("crashed", style=f"bold {BAD}"), f"{code}: {error}")
