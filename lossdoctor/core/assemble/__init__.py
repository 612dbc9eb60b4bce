"""Rows become runs: columns are named, runs told apart, resumes joined, every series put on one step axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lossdoctor.core import names
from lossdoctor.core.assemble.columns import Column, Log, collect
from lossdoctor.core.assemble.roles import roles_of
from lossdoctor.core.assemble.runs import split_into_runs
from lossdoctor.core.errors import NoLog, UsageError
from lossdoctor.core.reader import Row
from lossdoctor.core.run import Run
from lossdoctor.core.text import listed, shown

SEVERAL = 50  # columns that an error message lists at most

__all__ = ["Column", "Log", "assemble", "collect", "runs_in"]


def assemble(rows: Iterable[Row], *, source: str, reader: str, mapping: Mapping[str, str] | None = None) -> list[Run]:
    """The runs of a log.

    Raises ``NoLog`` where it holds nothing to judge a training by, ``UsageError`` where ``mapping`` (role to
    column) names a column that is not there.
    """
    wanted = frozenset((mapping or {}).values())
    return runs_in(collect(rows, wanted), source=source, reader=reader, mapping=mapping)


def runs_in(log: Log, *, source: str, reader: str, mapping: Mapping[str, str] | None = None) -> list[Run]:
    """The same from columns that are collected already."""
    mapping = mapping or {}
    for role, column in mapping.items():
        if column not in log.seen:
            near = names.nearest(column, log.seen) or list(log.seen)[:3]
            raise UsageError(f"--map {role}={column}: {source} has no such column; the nearest are {listed(map(shown, near)) or 'none'}")
    runs = [run for run in split_into_runs(log, roles_of(log, mapping)) if any(len(curve) for curve in run.curves.values())]
    if not any(_judged(run) for run in runs):
        raise NoLog(_nothing_to_judge(log, source))
    shared = tuple(log.notes)
    return [replace(run, source=source, reader=reader, settings=dict(log.settings), notes=(*shared, *run.notes)) for run in runs]


def _judged(run: Run) -> bool:
    """Whether there is something to judge a training by: a loss, a reward or a score."""
    return any(curve.split or curve.metric.endswith("reward") for curve in run.curves.values())


def _nothing_to_judge(log: Log, source: str) -> str:
    if not log.seen:
        return f"{source} holds no table and no named number such as 'loss: 0.5'; give the log that the training wrote"
    columns = [name for name in log.seen if not name.startswith("#")]
    where = "" if log.rows or not any(map(names.is_wanted, columns)) else ", and no rows yet"
    free = [name for name in columns if names.recognise(name) is None and names.setting(name) is None]
    hint = f"if one of them is, name it, as in --map train_loss={shown(free[-1])!r}" if free else "give the log that the training wrote"
    return f"{source} has no loss{where}: its columns are {listed(map(shown, columns), SEVERAL)}; {hint}"
