"""The report on a run for the terminal: the verdict first, then the curve, the causes, and what was not examined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossdoctor.core.comparison import Comparison
from lossdoctor.core.diagnosis import Diagnosis, Remedy
from lossdoctor.core.report import Page
from lossdoctor.core.run import Run
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import WORST_FIRST, ahead, badness, interval, ordered, percent, title
from lossdoctor.reports.terminal.chart import Ink, chart
from lossdoctor.reports.terminal.comparison import compared
from lossdoctor.reports.terminal.layout import (
    GOOD,
    changes,
    ending,
    entry,
    finding_body,
    finding_head,
    heading,
    paragraph,
    status_text,
    unexamined,
    verdict_line,
)

IN_FULL = 3  # more runs than this become a table, with the last and the worst in full
ROWS = 20  # of that table
TITLE = 30  # characters of a run's title in it, at most
STATUS = 27  # that its status, confidence and margins take
OTHERS = 50  # left to all but the title
GAP = 2  # between its columns
COLUMNS = 8  # of a log that are named


def runs(diagnoses: Sequence[Diagnosis], page: Page, comparison: Comparison | None = None) -> Iterator[RenderableType]:
    """The report on all runs of all logs; how they compare follows the few, and stands before what is said in full of many."""
    chosen = list(diagnoses)
    if len(diagnoses) > IN_FULL:
        yield from _overview(diagnoses, page)
        yield from compared(comparison, page)
        worst, last = min(diagnoses, key=badness), diagnoses[-1]
        chosen = [last] if worst is last else [worst, last]
        yield Text("\nIn full: the worst and the last." if len(chosen) == 2 else "\nIn full: the last, which is the worst.", style="dim")
    for place, diagnosis in enumerate(chosen):
        if place or len(diagnoses) > IN_FULL:
            yield Text("")
        yield from _run(diagnosis, page)
    if len(diagnoses) <= IN_FULL:
        yield from compared(comparison, page)


def _overview(diagnoses: Sequence[Diagnosis], page: Page) -> Iterator[RenderableType]:
    counts = Counter(diagnosis.status for diagnosis in diagnoses)
    yield Text(f"{len(diagnoses):,} runs", style="bold")
    yield paragraph(", ".join(f"{counts[status]:,} {status}" for status in sorted(counts, key=WORST_FIRST.index)))
    table = Table.grid(padding=(0, GAP, 0, 0))
    for justify in ("left", "left", "right", "left"):
        table.add_column(no_wrap=True, justify=justify)
    width = max(TITLE // 2, min(TITLE, page.width - OTHERS))
    room = max(0, page.width - width - STATUS)
    shown = sorted(diagnoses, key=badness)[:ROWS] if len(diagnoses) > ROWS else diagnoses
    for diagnosis in shown:
        cause = diagnosis.findings[0] if diagnosis.findings else None
        table.add_row(
            Text(ending(title(diagnosis.run), width)),
            status_text(diagnosis.status),
            percent(diagnosis.verdict.confidence),
            Text(f"{cause.code} {cause.name}"[:room] if cause else ""),
        )
    yield Padding(table, (1, 0, 0, 2))
    if len(diagnoses) > len(shown):
        yield paragraph(f"the worst {ROWS}; --format json has all {len(diagnoses):,}", style="dim")


def _run(diagnosis: Diagnosis, page: Page) -> Iterator[RenderableType]:
    yield Text(title(diagnosis.run), style="bold")
    yield _verdict(diagnosis)
    if not page.quiet:
        yield from _chart(diagnosis, page)
    yield from _findings(diagnosis, page)
    if not page.quiet:
        yield from _reading(diagnosis)


def _verdict(diagnosis: Diagnosis) -> RenderableType:
    verdict, forecast = diagnosis.verdict, ahead(diagnosis)
    facts = [f"confidence {percent(verdict.confidence)}"]
    if verdict.stop_step is not None and verdict.wasted_fraction:
        facts.append(f"could have stopped at step {number(verdict.stop_step)}, {percent(verdict.wasted_fraction)} of the run came after")
    if forecast:
        facts.append(
            f"forecast for step {number(round(forecast.at_step))}: {forecast.metric} {number(forecast.value)}"
            f" ({interval(forecast.low, forecast.high)})"
        )
    return verdict_line(verdict.status, verdict.summary, facts)


def _chart(diagnosis: Diagnosis, page: Page) -> Iterator[RenderableType]:
    run, verdict = diagnosis.run, diagnosis.verdict
    labels = ["train_loss", "val_loss"]
    if diagnosis.forecast and diagnosis.forecast.metric not in labels:
        labels = [diagnosis.forecast.metric]  # what is judged is no loss, such as a reward
    curves = [run.curves[label] for label in labels if label in run.curves]
    marks = {"onset": verdict.onset_step, "best": verdict.best_step}
    lines = chart(curves, marks, width=page.width, ink=Ink(page.unicode, page.color))
    if lines:
        yield Text("")
        yield from lines


def _findings(diagnosis: Diagnosis, page: Page) -> Iterator[RenderableType]:
    for place, finding in enumerate(diagnosis.findings, 1):
        if place == 1:
            yield heading("What is wrong" if len(diagnosis.findings) == 1 else "What is wrong, the likeliest cause first")
        yield finding_head(place, finding)
        yield from finding_body(finding)
        for remedy in diagnosis.remedies.get(finding.code, ()):
            yield _remedy(remedy)
    if not diagnosis.findings and diagnosis.status.healthy is False:
        yield heading("What is wrong")
        yield paragraph("No check found the cause in this log. `lossdoctor probe` can search for it, given the model and the data.")


def _remedy(remedy: Remedy) -> RenderableType:
    head = Text(f"{remedy.fix.code} {remedy.fix.name}", style=GOOD)
    if remedy.patch.why:
        head.append(f": {plain(remedy.patch.why)}", style="default")
    return entry(Text("try", style=GOOD), head, *changes(remedy.patch.changes), indent=4, width=3)


def _reading(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    run = diagnosis.run
    yield heading("What was examined")
    length = f"{number(run.steps)} steps" + (f", {number(run.epochs)} epochs" if run.epochs else "")
    yield entry("read as", f"{run.reader}, {length}")
    yield entry("columns", ", ".join(_columns(run)))
    if run.notes:
        yield entry("notes", *run.notes)
    yield from unexamined(diagnosis.examination)


def _columns(run: Run) -> Iterable[str]:
    """``train_loss from "loss" (3,000 points)``; those that a diagnosis rests on first."""
    labels = ordered(run)
    for label in labels[:COLUMNS]:
        name = run.columns.get(label, label)
        source = f' from "{name}"' if name != label else ""
        yield f"{label}{source} ({run.series[label]:,} points)"
    if len(labels) > COLUMNS:
        yield f"and {len(labels) - COLUMNS:,} more"
