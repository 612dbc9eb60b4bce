"""Columns to runs: runs are told apart, resumes joined, every series put on one step axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core import names
from lossdoctor.core.assemble.clock import Clock, clock_of, counted, pairs, restarts
from lossdoctor.core.assemble.columns import Column, Log
from lossdoctor.core.assemble.roles import Roles
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.run import Run
from lossdoctor.core.text import listed

PLACES = 6  # at which a run was resumed that its note lists at most


def split_into_runs(log: Log, roles: Roles) -> Iterator[Run]:
    """The runs of a log in their order, without its source, settings and notes."""
    for key, columns in _by_key(log):
        yield from _runs(columns, roles, key)


def _by_key(log: Log) -> Iterator[tuple[str, dict[str, Column]]]:
    """The columns of each run, where a column names the runs; else all of them, under no name."""
    for name in [name for name in log.columns if names.is_run(name)]:
        column = log.columns[name]
        keys, codes = np.unique(column.value.astype(str), return_inverse=True)
        if name == "#run" and len(keys) == 1 and keys[0] != ".":
            yield str(keys[0]), {name: column for name, column in log.columns.items() if not column.is_text}
            return
        if 1 < len(keys) <= max(2, len(column) // 2):
            first = np.unique(codes, return_index=True)[1]
            key, numbers = Column(column.row, codes), {other: cells for other, cells in log.columns.items() if not cells.is_text}
            parts = {other: _split(cells, key, len(keys)) for other, cells in numbers.items()}
            for code in np.argsort(first).tolist():
                yield str(keys[code]), {other: cells[code] for other, cells in parts.items() if len(cells[code])}
            return
    yield "", {name: column for name, column in log.columns.items() if not column.is_text}


def _split(column: Column, key: Column, count: int) -> list[Column]:
    """A column cut in ``count`` parts by the key that held at each of its rows."""
    codes = key.at(column.row)
    order = np.argsort(codes, kind="stable")
    cuts = np.searchsorted(codes[order], np.arange(count + 1))
    return [column.where(order[a:b]) for a, b in pairwise(cuts)]


def _runs(columns: dict[str, Column], roles: Roles, key: str) -> Iterator[Run]:
    """The runs in these columns: cut where the steps start over, joined where they only go back to resume."""
    lead = _lead(columns, roles)
    if lead is None:
        return
    clock = clock_of(columns, roles, lead)
    counters = [columns[name] for names_of_axis in roles.axes.values() for name in names_of_axis if len(columns.get(name, ()))]
    starts, resumes = restarts(clock, lead, counters)
    notes = list(roles.notes)
    if starts:
        notes.append(f"{len(starts) + 1} runs stand one after another in this log; its steps start over")
    bounds = [0, *starts, np.iinfo(np.int64).max]
    for number, (low, high) in enumerate(pairwise(bounds), 1):
        cut = {name: column.where((column.row >= low) & (column.row < high)) for name, column in columns.items()} if starts else columns
        back = [(row, step) for row, step in resumes if low <= row < high]
        name = key if not starts else f"{key} #{number}".strip()
        yield _run(cut, roles, name, clock, back, notes)


def _lead(columns: dict[str, Column], roles: Roles) -> Column | None:
    """The series that tells how the log goes on: the training loss, else the densest."""
    found = {label: columns[cs[0]] for label, (_, cs) in roles.curves.items() if cs[0] in columns and len(columns[cs[0]])}
    if not found:
        return None
    return found.get("train_loss") or max(found.values(), key=len)


def _run(
    columns: dict[str, Column],
    roles: Roles,
    name: str,
    clock: Clock,
    resumes: list[tuple[int, float]],
    notes: list[str],
) -> Run:
    """One run: each series on the common axis, with its epochs."""
    curves: dict[str, Curve] = {}
    taken: dict[str, str] = {}
    void = doubled = 0
    first = min((int(column.row[0]) for column in columns.values() if len(column)), default=0)
    for label, (role, parts) in roles.curves.items():
        cells = [columns[part] for part in parts if part in columns and len(columns[part])]
        if not cells and (other := next((other for other in roles.others.get(label, ()) if len(columns.get(other, ()))), None)):
            cells, parts = [columns[other]], (other,)
        if len(cells) < len(parts):
            continue
        series = _combined(cells, roles.combine[label]) if label in roles.combine else cells[0]
        if clock.axis is not None and clock.axis is clock.epoch:
            series = series.where(counted(series, clock.axis))
        step = (series.row - first).astype(np.float64) if clock.axis is None else clock.axis.at(series.row).astype(np.float64, copy=False)
        if resumes:
            keep = _not_voided(series, clock, resumes)
            void += int((~keep).sum())
            series, step = series.where(keep), step[keep]
        if not np.less(*pairs(step)).all():
            last = _last_of_each(step)
            doubled = max(doubled, int((~last).sum()) if label != "time" else 0)
            series, step = series.where(last), step[last]
        if not len(series):
            continue  # all of it was logged past a resume
        metric = f"{role.part}_{role.metric}" if role.part else role.metric
        curves[label] = Curve(metric, role.split, step, series.value, _epochs(clock.epoch, series))
        taken[label] = " + ".join(parts)
    notes = list(notes)
    if resumes:
        places = listed((f"{step:g}" for _, step in resumes), PLACES)
        notes.append(f"resumed at step {places}; {void} points logged past it before are left out")
    if doubled:
        notes.append(f"{doubled} steps occur more than once in a series; the last of each is kept")
    return Run(curves, name=name, columns=taken, notes=tuple(notes))


def _combined(cells: list[Column], how: Callable[..., Any]) -> Column:
    """Columns added or averaged point by point; each point stands at the row where the last of its parts was logged."""
    size = min(map(len, cells))
    row = np.max([column.row[:size] for column in cells], axis=0)
    return Column(row, how([column.value[:size] for column in cells], axis=0))


def _not_voided(series: Column, clock: Clock, resumes: list[tuple[int, float]]) -> NDArray[np.bool_]:
    """True for the points that no resume went back behind."""
    keep = np.ones(len(series), dtype=bool)
    time = clock.time.at(series.row) if clock.time else np.zeros(len(series))
    for row, resumed in resumes:
        keep &= (series.row >= row) | (time < resumed)
    return keep


def _last_of_each(step: Floats) -> NDArray[np.bool_]:
    """True where a step is the last of its value, and the steps kept so far rise."""
    later = np.minimum.accumulate(step[::-1])[::-1]
    return np.append(step[:-1] < later[1:], True)


def _epochs(epoch: Column | None, series: Column) -> Floats | None:
    return None if epoch is None else epoch.at(series.row).astype(np.float64, copy=False)
