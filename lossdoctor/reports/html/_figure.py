"""What a chart of runs shows, as plain data for the page: thinned curves by panel, marked steps, the forecast, and a table of values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.diagnosis import Diagnosis, Forecast, Verdict
from lossdoctor.core.run import Run
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import ahead, ordered, title
from lossdoctor.reports.html._thin import medians, thin

BEFORE, AFTER = "before", "after"  # the prescription; what the names of such curves end with
POINTS = 12_000  # of all curves of a page together
PER_CURVE = 1200  # and of one of them: about what a screen can show
FEWEST = 60  # that a curve gets, however many there are
TREND = 120  # points of the line through a noisy curve
NOISY = 3 * TREND  # points from which a curve has such a line
PANELS = 8
HUES = {"train": 1, "val": 2, "test": 3}  # places in the palette, counted from 1
OTHERS = (7, 4, 5, 6, 8)
SHARED = 6  # curves in a panel
HOLES = 50  # spans of values that are no numbers
ROWS = 12  # of the table of values, besides the marked steps
DECADES = 10.0  # where every curve of a panel spans more than this factor, its scale is logarithmic at first
WILD = 20.0  # spreads of all others that one point in fifty may stand above them before it presses them to the ground


@dataclass(frozen=True)
class Figure:
    """A chart of one run: panels of curves over the same steps."""

    title: str
    panels: Sequence[Mapping[str, Curve]]  # each with its curves by the name that the page calls them
    marks: Mapping[str, float] = field(default_factory=dict)
    forecast: Forecast | None = None
    short: str = ""  # the title where it stands among others

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Figure:
        """The chart of a diagnosis: the losses first, then what else was logged."""
        return cls(title(diagnosis.run), panels(diagnosis.run), marks(diagnosis.verdict), ahead(diagnosis))

    def data(self, points: int) -> dict[str, Any]:
        """The chart as JSON knows it; a curve has at most ``points`` points."""
        return {
            "title": self.title,
            "short": self.short or self.title,
            "panels": [self._panel(panel, points) for panel in self.panels],
            "marks": [{"name": name, "step": _short(step, 10)} for name, step in self.marks.items()],
        }

    def _panel(self, panel: Mapping[str, Curve], points: int) -> dict[str, Any]:
        curves = list(panel.values())
        hues = _hues(curves)
        return {
            "name": plain(curves[0].metric.replace("_", " ")),
            "log": logarithmic(curves),
            "decades": any(0 < curve.min * DECADES < curve.max for curve in curves),
            "curves": [
                {"name": name, "hue": hues[curve.label], "faint": name.endswith(f" {BEFORE}"), **_curve(curve, points)}
                for name, curve in panel.items()
            ],
            "forecast": next(
                (_forecast(self.forecast, n, c) for n, c in panel.items() if self.forecast and c.label == self.forecast.metric), None
            ),
        }

    @property
    def summary(self) -> str:
        """The chart in a sentence, for those who cannot see it."""
        shown = self.panels[0] if self.panels else {}
        ends = [f"{name} from {number(curve.finite.first)} to {number(curve.finite.last)}" for name, curve in shown.items()]
        steps = [f"{name} at step {number(step)}" for name, step in self.marks.items()]
        return "; ".join([*ends, *steps])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Heads and rows of the table that says what the chart shows: evenly spaced steps, and those that are marked."""
        curves = [_in_order(curve) for panel in self.panels for curve in panel.values()]
        if not curves:
            return [], []
        low, high = min(float(c.step[0]) for c in curves), max(float(c.step[-1]) for c in curves)
        steps = dict.fromkeys(np.linspace(low, high, ROWS).round().tolist(), "")
        steps |= {step: name for name, step in self.marks.items()}
        heads = ["step", *(name for panel in self.panels for name in panel)]
        return heads, [[f"{number(s)} {steps[s]}".strip(), *(_at(c, s) for c in curves)] for s in sorted(steps)]


def share(figures: Sequence[Figure]) -> int:
    """The points that each curve of a page gets."""
    curves = sum(len(panel) for figure in figures for panel in figure.panels)
    return max(FEWEST, min(PER_CURVE, POINTS // max(curves, 1)))


def panels(run: Run) -> list[dict[str, Curve]]:
    """The curves of a run that can be drawn, those of one metric together, the losses first."""
    by_metric: dict[str, list[Curve]] = {}
    for label in ordered(run):
        curve = run.curves[label]
        if len(curve.finite) >= 2 and curve.step.min() < curve.step.max():
            by_metric.setdefault(curve.metric, []).append(curve)
    late = [metric for metric in ("lr", "grad_norm") if metric in by_metric]
    order = [*(metric for metric in by_metric if metric not in late), *late]
    chosen = [*order[: PANELS - len(late)], *(metric for metric in late if metric not in order[: PANELS - len(late)])]
    return [{plain(curve.label): curve for curve in by_metric[metric][:SHARED]} for metric in chosen]


def marks(verdict: Verdict) -> dict[str, float]:
    """The steps that matter, by name."""
    steps = {"flat" if verdict.status.healthy else "onset": verdict.onset_step, "best": verdict.best_step, "stop": verdict.stop_step}
    return {name: float(step) for name, step in steps.items() if step is not None and math.isfinite(step)}


def logarithmic(curves: Sequence[Curve]) -> bool:
    """Whether a panel is better seen on a logarithmic scale: all its curves span decades, or a few points stand far above the rest."""
    if any(curve.min <= 0 for curve in curves):
        return False
    return all(curve.min * DECADES < curve.max for curve in curves) or any(_wild(curve.finite.value) for curve in curves)


def _wild(values: Floats) -> bool:
    few = max(1, len(values) // 50)
    if len(values) - few < 5:
        return False
    low, high, common = values.min(), values.max(), np.partition(values, -few - 1)[-few - 1]
    return bool(high / WILD - low / WILD > common - low)


def _hues(curves: Sequence[Curve]) -> dict[str, int]:
    """The place in the palette of each curve, by its label: training and validation have the same colours in all panels."""
    free = iter(OTHERS * len(curves))
    return {curve.label: HUES.get(curve.split) or next(free) for curve in {c.label: c for c in curves}.values()}


def _curve(curve: Curve, points: int) -> dict[str, Any]:
    """A curve's thinned points, ``null`` where a value is no number, and the line through its noise."""
    curve = _in_order(curve)
    shown = thin(curve, points)
    line = medians(curve, TREND) if len(curve) >= NOISY else None
    return {
        "n": len(curve),
        "x": [_short(step, 10) for step in shown.step.tolist()],
        "y": [_short(value, 5) for value in shown.value.tolist()],
        "trend": [[_short(v, 10) for v in line.step.tolist()], [_short(v, 5) for v in line.value.tolist()]] if line else None,
        "holes": list(_holes(curve)),
    }


def _in_order(curve: Curve) -> Curve:
    """The curve sorted by step; points that share a step are spread up to the next, for a chart has one value a step."""
    if bool((np.diff(curve.step) > 0).all()):
        return curve
    order = np.argsort(curve.step, kind="stable")
    step = curve.step[order]
    distinct, start, count = np.unique(step, return_index=True, return_counts=True)
    if len(distinct) < len(step):
        room = np.diff(distinct, append=2 * distinct[-1] - distinct[-2])
        step = step + (np.arange(len(step)) - np.repeat(start, count)) * np.repeat(room / count, count)
    return Curve(curve.metric, curve.split, step, curve.value[order])


def _holes(curve: Curve) -> Iterator[list[float | int | None]]:
    """First and last step of each stretch of values that are no numbers."""
    lost = np.concatenate([[False], ~np.isfinite(curve.value), [False]])
    edges = np.flatnonzero(np.diff(lost.astype(int)))
    for start, end in edges.reshape(-1, 2)[:HOLES].tolist():
        yield [_short(float(curve.step[start]), 10), _short(float(curve.step[end - 1]), 10)]


def _forecast(forecast: Forecast, name: str, curve: Curve) -> dict[str, Any]:
    """Where the curve stands now and where it is expected; ``from`` is the median of its last points, which a spike does not move."""
    recent = curve.finite.tail(0.05)
    return {
        "metric": name,
        "x": [_short(float(recent.step.max()), 10), _short(forecast.at_step, 10)],
        "value": [_short(float(np.median(recent.value)), 5), _short(forecast.value, 5)],
        "low": _short(forecast.low, 5),
        "high": _short(forecast.high, 5),
    }


def _at(curve: Curve, step: float) -> str:
    """The value nearest to a step of a curve in order; blank outside of it."""
    if not curve.step[0] <= step <= curve.step[-1]:
        return ""
    after = int(np.searchsorted(curve.step, step))
    before = max(after - 1, 0)
    return number(float(curve.value[before if step - curve.step[before] < curve.step[after] - step else after]))


def _short(value: float, digits: int) -> float | int | None:
    """A number with no more digits than can be seen; ``None`` where it is none."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded
