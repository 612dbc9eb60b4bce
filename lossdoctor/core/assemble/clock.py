"""How a log counts: the step of each row, and where the count falls back because a run starts over or is resumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.assemble.columns import Column
from lossdoctor.core.assemble.roles import Roles
from lossdoctor.core.curve import Floats
from lossdoctor.core.errors import UnreadableLog

INTERLEAVED = 0.1  # share of points at which the steps of one run may go back
MOSTLY = 0.75  # share of the points of a series with an epoch in their own lines, beside which those without one do not count
RESUMES = 50  # after which the other counters are not looked at: of interleaved runs each fall would cost the whole log


@dataclass(frozen=True)
class Clock:
    """How a log counts: ``axis`` is the coordinate of its points (None: the row), ``time`` what falls back where a run starts over."""

    axis: Column | None
    epoch: Column | None

    @property
    def time(self) -> Column | None:
        return self.axis or self.epoch


def clock_of(columns: dict[str, Column], roles: Roles, lead: Column) -> Clock:
    """The step and the epoch of every row that has one. A step that counts within its epoch is made to go on."""

    def counter(axis: str) -> Column | None:
        found = [column for name in roles.axes.get(axis, ()) if _counts(column := columns.get(name), lead) and column is not None]
        return _merged(sorted(found, key=_falls_often))  # an episode's number before its length

    step, epoch = counter("step"), _before_headings(counter("epoch"), lead)
    if step is not None and np.equal(*pairs(step.at(lead.row))).sum() > 0.5 * len(lead):
        step = None  # it counts something else
    if step is not None and epoch is not None:
        step = _unwrapped(_of_training(step, epoch, lead), epoch)
    if step is None and epoch is not None and _is_fine(epoch, lead):
        step = epoch
    return Clock(step, epoch)


def _before_headings(epoch: Column | None, lead: Column) -> Column | None:
    """The epochs with the one before, where they stand in lines of their own and a log begins in the middle of one."""
    if epoch is None or epoch.row[0] <= lead.row[0] or np.isin(epoch.row, lead.row).any():
        return epoch
    rises = np.diff(epoch.value)
    before = epoch.value[0] - (rises[rises > 0].min() if (rises > 0).any() else 1)
    return Column(np.insert(epoch.row, 0, lead.row[0]), np.insert(epoch.value, 0, before)) if before >= 0 else epoch


def _falls_often(column: Column) -> bool:
    return float(np.greater(*pairs(column.value)).sum()) > 0.2 * len(column)


def _merged(counters: list[Column]) -> Column | None:
    """The first of several counters, with those that stand where it is blank: ``step 250: val loss``, ``iter 251: loss``."""
    if not counters:
        return None
    merged = counters[0]
    for other in counters[1:]:
        if not np.isin(other.row, merged.row).any():
            rows = np.concatenate([merged.row, other.row])
            order = np.argsort(rows)
            merged = Column(rows[order], np.concatenate([merged.value, other.value])[order])
    return merged


def _counts(column: Column | None, lead: Column) -> bool:
    """Whether a column can be a coordinate: finite, and not the same at all rows."""
    if column is None or not len(column) or not np.isfinite(column.value).all():
        return False
    return len(lead) == 1 or len(column) == 1 or bool((column.value != column.value[0]).any())


def _is_fine(epoch: Column, lead: Column) -> bool:
    """Whether the epoch alone tells the points of a series apart; the first may occur again, where runs of one epoch follow."""
    at = epoch.at(lead.row[counted(lead, epoch)])
    later = at[at > at.min()]
    return len(later) > 0 and float(np.mean(np.diff(at)[at[1:] > at.min()] == 0)) < 0.05


def counted(series: Column, epoch: Column) -> NDArray[np.bool_]:
    """All points of a series but those that stand in lines without an epoch where nearly all others have one: a final loss."""
    own = np.isin(series.row, epoch.row)
    return own if MOSTLY <= own.mean() < 1 else np.ones(len(series), dtype=bool)


def pairs(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each value but the last, and the one after it: to compare them costs an eighth of the memory of their differences."""
    return values[:-1], values[1:]


def _of_training(step: Column, epoch: Column, lead: Column) -> Column:
    """The steps without those that stand beside the training's and count something else: mmengine numbers a validation
    by its epoch, mmcv by its batches."""
    if np.array_equal(step.row, lead.row):
        return step
    own = np.isin(step.row, lead.row)
    if own.all() or not own.any():
        return step
    at, epochs = step.where(own), epoch.at(step.row)
    before = np.searchsorted(at.row, step.row, side="right") - 1
    last, after = at.value[np.maximum(before, 0)], np.append(at.value, np.inf)[before + 1]
    counts_epochs = (step.value == epochs) & (after >= last)
    falls = np.greater(*pairs(at.value))
    wraps = bool(falls.any()) and np.mean(np.less(*pairs(epochs[own]))[falls]) >= 0.5
    counts_batches = wraps & (epochs == epochs[own][np.maximum(before, 0)])
    return step.where(own | (before < 0) | (step.value >= last) | ~(counts_epochs | counts_batches))


def _unwrapped(step: Column, epoch: Column) -> Column:
    """Steps that begin anew with every epoch, counted through."""
    back = np.flatnonzero(np.greater(*pairs(step.value))) + 1
    if not len(back):
        return step
    epochs = epoch.at(step.row)
    wraps = back[epochs[back] > epochs[back - 1]]
    if len(wraps) < 0.5 * len(back):
        return step
    offsets = np.zeros(len(step))
    for wrap, end in zip(wraps, [*wraps[1:], len(step)], strict=True):
        offsets[wrap:end] = offsets[wrap - 1] + step.value[wrap - 1] + 1 if epochs[wrap] > epochs[wrap - 1] else 0
    # where the epochs start over, so do the steps
    for fall in (np.flatnonzero(np.greater(*pairs(epochs))) + 1).tolist():
        offsets[fall:] -= offsets[fall]
    return Column(step.row, step.value + offsets)


def restarts(clock: Clock, lead: Column, counters: list[Column]) -> tuple[list[int], list[tuple[int, float]]]:
    """The rows at which a new run begins, and those at which one resumes with the step it resumes at.

    A run starts over when its steps, or another of its counters, fall back to where they began; when they fall back to
    the middle, it was resumed from a checkpoint, and what had been logged past that step is void.
    """
    time = clock.time
    if time is None:
        return [], []
    rows, steps = lead.row, time.at(lead.row)
    fallen = np.greater(*pairs(steps))
    if clock.axis is clock.epoch:
        fallen |= np.equal(*pairs(steps)) & (steps[1:] == steps.min())
    starts: list[int] = []
    resumes: list[tuple[int, float]] = []
    begin = 0
    for at in (np.flatnonzero(fallen) + 1).tolist():
        spacing = float(np.median(np.diff(steps[begin:at]))) if at - begin > 4 else 0.0
        row = _first_after(time, int(rows[at - 1]), int(rows[at]), float(steps[at - 1]))
        looked_at = counters if len(resumes) < RESUMES else []
        if steps[at] <= steps[begin] + spacing or any(_starts_over(counter.at(rows[begin : at + 1])) for counter in looked_at):
            starts.append(row)
            begin = at
        else:
            resumes.append((row, float(steps[at])))
    if len(resumes) > max(5, INTERLEAVED * len(lead)):
        raise UnreadableLog(
            f"several runs are interleaved in this log (its steps go back {len(resumes)} times) and no column tells them apart; "
            "log each run to a file of its own, or with a column 'run'"
        )
    return starts, resumes


def _starts_over(count: Floats) -> bool:
    """Whether a counter that has only risen ends where it began."""
    return bool(count[-1] <= count[0] < count[-2] and not np.greater(*pairs(count[:-1])).any())


def _first_after(axis: Column, last: int, new: int, step: float) -> int:
    """The first row past ``last`` whose step has fallen below ``step``; ``new`` at the latest."""
    between = (axis.row > last) & (axis.row <= new) & (axis.value < step)
    return int(axis.row[between][0]) if between.any() else new
