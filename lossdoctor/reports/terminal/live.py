"""The view of a training in progress: a calm screen that is drawn anew after each look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.text import Text

from lossdoctor.core.check import Finding
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.fix import EPOCHS
from lossdoctor.core.report import Page
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import interval, percent, title
from lossdoctor.reports.terminal.chart import Ink, chart
from lossdoctor.reports.terminal.layout import finding_head, paragraph, render, verdict_line

SHOWN = 3  # findings


def live(diagnosis: Diagnosis | None, certain: Sequence[Finding], pace: float | None, note: str, page: Page) -> str:
    """Status, chart, forecast, time left and what is certain; ``pace`` in steps a second, ``note`` a line below."""
    parts = list(_run(diagnosis, certain, pace, page)) if diagnosis else []
    return render([*parts, Text(plain(note), style="dim")], page)


def _run(diagnosis: Diagnosis, certain: Sequence[Finding], pace: float | None, page: Page) -> Iterator[RenderableType]:
    run, verdict = diagnosis.run, diagnosis.verdict
    head = Text(title(run), style="bold")
    yield head.append(f"  {_progress(diagnosis, pace)}", style="not bold")
    yield verdict_line(verdict.status, verdict.summary, [f"confidence {percent(verdict.confidence)}", *_ahead(diagnosis, pace)])
    curves = [run.curves[label] for label in ("train_loss", "val_loss") if label in run.curves]
    ahead = diagnosis.forecast
    if ahead and ahead.metric not in ("train_loss", "val_loss") and ahead.metric in run.curves:
        curves = [run.curves[ahead.metric]]
    yield Text("")
    yield from chart(curves, {"onset": verdict.onset_step, "best": verdict.best_step}, width=page.width, ink=Ink(page.unicode, page.color))
    for place, finding in enumerate(certain[:SHOWN], 1):
        yield finding_head(place, replace(finding, span=None))
        yield paragraph(finding.message, indent=4)


def _progress(diagnosis: Diagnosis, pace: float | None) -> str:
    """``step 1,200, epoch 3 of 90, 25 steps/s, 2 h 10 min left``."""
    run = diagnosis.run
    words = [f"step {number(run.steps)}"]
    total = run.settings.get(EPOCHS)
    known = run.epochs and isinstance(total, int | float) and total >= run.epochs
    if run.epochs:
        words.append(f"epoch {number(run.epochs)}" + (f" of {number(total)}" if known and total else ""))
    if pace:
        words.append(f"{number(pace)} steps/s" if pace >= 1 else f"{number(1 / pace)} s a step")
    if known and total and pace and run.epochs:
        words.append(f"{duration((total / run.epochs - 1) * run.steps / pace)} left")
    return ", ".join(words)


def _ahead(diagnosis: Diagnosis, pace: float | None) -> list[str]:
    """The forecast, and when it will have come."""
    ahead = diagnosis.forecast
    if ahead is None:
        return []
    when = f", in {duration((ahead.at_step - diagnosis.run.steps) / pace)}" if pace else ""
    level = f"{ahead.metric} {number(ahead.value)} ({interval(ahead.low, ahead.high)})"
    return [f"forecast for step {number(round(ahead.at_step))}{when}: {level}"]


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``2 h 10 min``, ``3 d 4 h``."""
    if not math.isfinite(seconds):
        return "ages"
    minutes = max(0, round(seconds / 60))
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
