"""Losses drawn with characters: each cell is 2 x 4 braille dots, or one ASCII mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.text import number
from lossdoctor.reports.terminal.layout import NOTE, WARN

HEIGHT = 8  # rows
MARGIN = 9  # columns left of the plot: the labels of the axis
DECADES = 10.0  # where every curve spans more than this factor, the scale is logarithmic
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)  # braille bits by row and column
STYLES = (NOTE, WARN)


@dataclass(frozen=True)
class Ink:
    """The characters to draw with: braille where there is Unicode; without colour the second curve has a mark of its own."""

    unicode: bool
    color: bool

    @property
    def marks(self) -> tuple[str, str]:
        return ("━", "━" if self.color else "•") if self.unicode else (".", "o")

    def braille(self, curve: int) -> bool:
        return self.unicode and (self.color or curve == 0)


@dataclass(frozen=True)
class Axis:
    """A scale from a value to a fraction of the plot's height, 0 at the bottom; ``log`` where the range spans decades."""

    low: float
    high: float
    log: bool

    @classmethod
    def over(cls, curves: Sequence[Curve]) -> Axis:
        """An axis on which finite curves use the height: a few wild points are clipped, not obeyed."""
        tops = [_top(curve.value) for curve in curves]
        low, high = min(curve.min for curve in curves), max(tops)
        log = all(0 < curve.min * DECADES < top for curve, top in zip(curves, tops, strict=True))
        return cls(low, high if high > low else low + (abs(low) or 1.0), log)

    def fraction(self, values: Floats) -> Floats:
        clipped = np.clip(values, self.low, self.high)
        if self.log:
            return np.asarray((np.log(clipped) - math.log(self.low)) / (math.log(self.high) - math.log(self.low)))
        return np.asarray((clipped / 2 - self.low / 2) / (self.high / 2 - self.low / 2))  # halves, for their difference is finite

    def value(self, fraction: float) -> float:
        if self.log:
            return math.exp(math.log(self.low) * (1 - fraction) + math.log(self.high) * fraction)
        return self.low * (1 - fraction) + self.high * fraction


def _top(values: Floats) -> float:
    """The highest value, unless a few that stand far above all others would press the rest to the ground."""
    low, common, high = (float(value) for value in np.quantile(values, [0, 0.98, 1]))
    return common if len(values) > 50 and high / 6 - low / 6 > common / 2 - low / 2 > 0 else high


def chart(curves: Sequence[Curve], marks: Mapping[str, float | None], *, width: int, ink: Ink) -> list[Text]:
    """The lines of a chart of at most two curves; ``marks`` are steps to point at, by a word. Empty where there is nothing to draw."""
    drawn = [curve.finite for curve in curves if len(curve.finite) >= 2]
    if not drawn:
        return []
    axis = Axis.over(drawn)
    start, end = min(float(c.step.min()) for c in curves), max(float(c.step.max()) for c in curves)
    columns = width - MARGIN - 2
    if end <= start:
        return []
    masks = [_mask(curve, axis, start, end, columns) for curve in drawn]
    lines = [_row(masks, row, axis, ink) for row in range(HEIGHT)]
    return [*lines, *_foot(marks, start, end, columns, ink), _legend(drawn, axis, ink)]


def _mask(curve: Curve, axis: Axis, start: float, end: float, columns: int) -> NDArray[np.bool_]:
    """Which dots a curve touches, shape (4 HEIGHT, 2 columns), row 0 on top; neighbouring points are joined."""
    rows, cols = 4 * HEIGHT, 2 * columns
    mask = np.zeros((rows, cols), dtype=bool)
    order = np.argsort(curve.step, kind="stable")
    x = np.rint((curve.step[order] - start) / (end - start) * (cols - 1)).astype(int)
    y = axis.fraction(curve.value[order]) * (rows - 1)
    breaks = np.flatnonzero(np.diff(x)) + 1
    filled = x[np.concatenate([[0], breaks])]
    center = [float(np.median(part)) for part in np.split(y, breaks)]
    line = np.interp(np.arange(filled[0], filled[-1] + 1), filled, center)
    previous = line[0]
    for column, here in enumerate(line, int(filled[0])):
        low, high = sorted((round(previous), round(here)))
        low = low + 1 if low == round(previous) and high > low else low  # do not draw the corner twice
        mask[rows - 1 - high : rows - low, column] = True
        previous = here
    return mask


def _row(masks: Sequence[NDArray[np.bool_]], row: int, axis: Axis, ink: Ink) -> Text:
    at = {0: 1.0, (HEIGHT - 1) // 2: 0.5 + 0.5 / HEIGHT, HEIGHT - 1: 0.0}.get(row)
    label = "" if at is None else number(float(f"{axis.value(at):.3g}"))
    edge = ("│┤" if ink.unicode else "|+")[bool(label)]
    line = Text().append(f"{label:>{MARGIN - 1}} {edge}", style="dim")
    cells = [mask[4 * row : 4 * row + 4].reshape(4, -1, 2) for mask in masks]
    bits = [(DOTS[:, None, :] * cell).sum(axis=(0, 2)) for cell in cells]
    for column in zip(*bits, strict=True):
        top = max((index for index, bit in enumerate(column) if bit), default=0)  # the later curve lies on top
        braille = chr(0x2800 + int(np.bitwise_or.reduce(column))) if ink.braille(top) else ink.marks[top]
        line.append(braille if any(column) else " ", style=STYLES[top])
    return line


def _foot(marks: Mapping[str, float | None], start: float, end: float, columns: int, ink: Ink) -> list[Text]:
    """The axis of steps, and a line of words below it that point at their step."""
    across = "─" if ink.unicode else "-"
    rule = [across] * columns
    words = [" "] * columns
    ends = f"{number(start)}", f"{number(end)}"
    taken = [" "] * columns
    for word, at in ((ends[0], 0), (ends[1], columns - len(ends[1]))):
        words[at : at + len(word)] = word
    named: dict[float, list[str]] = {}
    for name, step in marks.items():
        if step is not None and start <= step <= end:
            named.setdefault(step, []).append(name)
    for step, names in named.items():
        column = round((step - start) / (end - start) * (columns - 1))
        rule[column] = "▲" if ink.unicode else "^"
        word = f"{', '.join(names)} {number(step)}"
        at = min(max(column - len(word) // 2, 0), columns - len(word))
        for line in (words, taken):
            if at >= 0 and not "".join(line[max(at - 1, 0) : at + len(word) + 1]).strip():
                line[at : at + len(word)] = word
                break
    corner = "└" if ink.unicode else "+"
    pad = " " * MARGIN
    foot = [Text(pad + corner + "".join(rule), style="dim"), Text(f"{pad} {''.join(words)}".rstrip(), style="dim")]
    return foot + ([Text(f"{pad} {''.join(taken)}".rstrip(), style="dim")] if "".join(taken).strip() else [])


def _legend(curves: Sequence[Curve], axis: Axis, ink: Ink) -> Text:
    legend = Text(" " * (MARGIN + 1))
    for index, curve in enumerate(curves):
        legend.append(f"{ink.marks[index]} ", style=STYLES[index])
        legend.append(f"{curve.label}   ")
    legend.append("log scale" if axis.log else "", style="dim")
    return legend
