"""Rows become runs: columns are named, runs told apart, resumes joined, every series put on one step axis."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core import names
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.errors import NoLog, UnreadableLog, UsageError
from lossdoctor.core.names import Role
from lossdoctor.core.reader import Block, Row
from lossdoctor.core.run import Run
from lossdoctor.core.text import plain

BATCH = 256  # rows that are turned into arrays at a time: few enough to stay in the cache
SPARSE = 10  # times as many points make a series the one to look at
INTERLEAVED = 0.1  # share of points at which the steps of one run may go back
COLUMNS = 10_000  # that are kept; a log with more makes its names from data
_WRITTEN = re.compile(  # 50.5%, tensor(0.5, device='cuda:0'), 0.5 ± 0.1
    r"(?:tensor\(\[?)?([^\s,()%\]]+)(?:%|\]?(?:, *[^()]*)?\)| *(?:±|\+/?-).*)"
)
SEVERAL = 50  # columns that an error message lists at most

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """The cells of a column that are not blank: the numbers of their rows, and their values (numbers, or texts)."""

    row: Ints
    value: NDArray[Any]

    def __len__(self) -> int:
        return len(self.row)

    def where(self, keep: NDArray[np.bool_] | Ints) -> Column:
        if keep.dtype == bool and keep.all():
            return self
        return Column(self.row[keep], self.value[keep])

    def at(self, rows: Ints) -> NDArray[Any]:
        """The value that held at each of ``rows``: of the same row, else of the last row before that has one, else the first."""
        if rows is self.row:
            return self.value
        return self.value[np.maximum(np.searchsorted(self.row, rows, side="right") - 1, 0)]


@dataclass
class Log:
    """Everything kept of a log, column by column."""

    columns: dict[str, Column] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)  # all names there are, an ordered set
    kept: set[str] = field(default_factory=set)  # those that are read
    settings: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    rows: int = 0


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
            raise UsageError(f"--map {role}={column}: {source} has no such column; the nearest are {_list(near) or 'none'}")
    roles = _roles(log, mapping)
    runs = [run for key, part in _by_key(log) for run in _runs(part, roles, key)]
    runs = [run for run in runs if any(len(curve) for curve in run.curves.values())]
    if not any(_judged(run) for run in runs):
        raise NoLog(_nothing_to_judge(log, source))
    shared = tuple(log.notes)
    return [replace(run, source=source, reader=reader, settings=dict(log.settings), notes=(*shared, *run.notes)) for run in runs]


# --- rows to columns ---------------------------------------------------------------------------------------------------


def collect(rows: Iterable[Row], wanted: frozenset[str] = frozenset()) -> Log:
    """Read all rows, keeping the columns whose names mean something and those ``wanted``; a batch at a time."""
    log = Log()
    chunks: dict[str, list[Column]] = {}
    for block, size in _blocks(iter(rows), log, wanted):
        for name, column in _columns(block, size, log):
            chunks.setdefault(name, []).append(column)
        log.rows += size
    log.columns = _joined(chunks)
    return log


def _joined(chunks: dict[str, list[Column]]) -> dict[str, Column]:
    """The chunks of each column as one; columns filled at the same rows share them."""
    shared: dict[tuple[int, ...], Ints] = {}
    joined: dict[str, Column] = {}
    for name, parts in chunks.items():
        same = tuple(id(part.row) for part in parts)
        if same not in shared:
            shared[same] = np.concatenate([part.row for part in parts]) if len(parts) > 1 else parts[0].row
        joined[name] = Column(shared[same], np.concatenate([part.value for part in parts]) if len(parts) > 1 else parts[0].value)
    return joined


def _blocks(rows: Iterator[Row], log: Log, wanted: frozenset[str]) -> Iterator[tuple[dict[str, Any], int]]:
    """The rows as blocks of columns, with the number of rows in each; what is no column goes to the log."""
    while batch := list(islice(rows, BATCH)):
        if Block not in set(map(type, batch)):
            yield from _gather(batch, log, wanted)
            continue
        for kind, group in groupby(batch, type):
            if kind is Block:
                for block in group:
                    if kept := {name: values for name, values in block.items() if _is_kept(name, wanted, log)}:
                        yield kept, len(next(iter(kept.values())))
            else:
                yield from _gather(list(group), log, wanted)


def _gather(batch: list[Row], log: Log, wanted: frozenset[str]) -> Iterator[tuple[dict[str, Any], int]]:
    """Scalar rows as one block; a cell that a row lacks is None."""
    found: dict[str, None] = {}
    for keys in dict.fromkeys(map(tuple, batch)):
        found.update(dict.fromkeys(keys))
    if "#note" in found:
        log.notes.update(dict.fromkeys(row["#note"] for row in batch if "#note" in row))
    if "#settings" in found or "#columns" in found:
        for row in batch:
            log.settings.update(row.get("#settings", {}))
            log.seen.update(dict.fromkeys(row.get("#columns", ())))
    kept = dict.fromkeys(name for name in found if _is_kept(name, wanted, log))
    for name in found:
        if name not in kept and (key := names.setting(name)) and key not in log.settings:
            value = next((row[name] for row in batch if row.get(name) is not None), None)
            log.settings.update(names.settings({name: value}))
    if kept:
        yield {name: [row.get(name) for row in batch] for name in kept}, len(batch)


def _is_kept(name: str, wanted: frozenset[str], log: Log) -> bool:
    if name.startswith("#"):
        return name == "#run"
    log.seen[name] = None
    if name not in log.kept and (name in wanted or (len(log.kept) <= COLUMNS and names.is_wanted(name))):
        log.kept.add(name)
        if len(log.kept) > COLUMNS:
            log.notes[f"the log names more than {COLUMNS:,} series; those after {_shown(name)} are left out"] = None
    return name in log.kept


def _columns(block: dict[str, Any], size: int, log: Log) -> Iterator[tuple[str, Column]]:
    """The columns of a block; one of a phase (``mode``: train, val) is folded into the names of the others."""
    rows = np.arange(log.rows, log.rows + size)
    columns = {name: column for name, values in block.items() if len(column := _column(name, values, rows))}
    columns = _untidy(columns, log)
    phases = [name for name in columns if names.is_phase(name)]
    for phase in phases:
        marks = columns.pop(phase)
        splits = np.array([names.split_of(str(mark)) or "" for mark in marks.value])
        for name, column in list(columns.items()):
            role = names.recognise(name)
            if role is None or role.metric in (*names.AXES, "time", "lr") or any(word in names.SPLIT for word in names.words(name)):
                continue
            inside = np.isin(column.row, marks.row)
            splits_here = np.where(inside, splits[np.clip(np.searchsorted(marks.row, column.row), 0, len(splits) - 1)], "")
            if not splits_here.any():
                continue
            del columns[name]
            for split in dict.fromkeys(splits_here):
                columns[f"{split}/{name}" if split else name] = column.where(splits_here == split)
    yield from columns.items()


def _untidy(columns: dict[str, Column], log: Log) -> dict[str, Column]:
    """A long table (one row a measurement: its metric, its value) as a wide one."""
    pair = next(((name, value) for name, value in names.TIDY.items() if name in columns and value in columns), None)
    if pair is None or columns[pair[0]].value.dtype != object:
        return {name: column for name, column in columns.items() if name not in names.TIDY or column.value.dtype != object}
    metric, value = columns.pop(pair[0]), columns.pop(pair[1])
    labels = np.array([str(text) for text in metric.at(value.row)])
    if names.VARIANT in columns:
        labels = np.array([f"{text}/{label}" for text, label in zip(columns.pop(names.VARIANT).at(value.row), labels, strict=True)])
    for label in dict.fromkeys(labels.tolist()):
        log.seen[label] = None
        if names.recognise(label) is not None:
            columns[label] = value.where(labels == label)
    return columns


def _column(name: str, values: Any, rows: Ints) -> Column:
    """The cells of one column that are not blank. Numbers where it is one of a series, texts where it names runs or phases."""
    if names.is_run(name) or names.is_phase(name) or names.TIDY.get(name):
        texts = np.array(values, dtype=object)
        present = np.array([value is not None and value == value and value != "" for value in texts.tolist()], dtype=bool)
        return Column(rows[present], texts[present])
    if isinstance(values, np.ma.MaskedArray):
        if values.mask is np.ma.nomask or not values.mask.any():
            return Column(rows, values.data)
        return Column(rows[~values.mask], values.data[~values.mask])
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return Column(rows, values.astype(np.float64, copy=False))
    return _numbers(list(values), rows)


def _numbers(values: list[Any], rows: Ints) -> Column:
    """Cells of any kind as numbers; what is no number is blank."""
    try:
        floats = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        floats = np.empty(0)
    if floats.shape != (len(values),):
        values = [_number(value) for value in values]
        floats = np.array(values, dtype=np.float64)
    unsure = np.isnan(floats)
    if not unsure.any():
        return Column(rows, floats)
    present = np.fromiter((value is not None for value in values), dtype=bool, count=len(values))
    return Column(rows[present], floats[present])


def _number(value: Any) -> float | None:
    """A cell as a number: of a list of one or more numbers (a learning rate for each group) the first."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if isinstance(value, np.ndarray):
        return None
    if isinstance(value, str) and (written := _WRITTEN.fullmatch(value.strip())):
        value = written[1]
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


# --- names to roles ----------------------------------------------------------------------------------------------------


Curves = dict[str, tuple[Role, tuple[str, ...]]]


@dataclass(frozen=True)
class Roles:
    """Which columns make which series: ``curves`` maps a label to its role and columns (several are added or averaged)."""

    curves: Curves
    axes: dict[str, tuple[str, ...]]
    combine: dict[str, Callable[..., Any]]
    notes: tuple[str, ...] = ()


def _roles(log: Log, mapping: Mapping[str, str]) -> Roles:
    """Give each label its column, the best of those that claim it."""
    mapped = {column: names.role(label) for label, column in mapping.items()}
    claims: dict[str, list[tuple[Role, str]]] = {}
    for name, column in log.columns.items():
        role = mapped.get(name) or (None if _is_text(column) else names.recognise(name))
        if role is not None and (name in mapped or role.label not in mapping):
            claims.setdefault(role.label, []).append((role, name))

    def order(claim: tuple[Role, str]) -> tuple[int, bool, int, int]:
        role, name = claim
        points = len(log.columns[name])
        # a train_loss that is one point at the end is a summary, not the series; ten points beside thousands are an estimate
        sparse = points <= 1 or points * SPARSE < max(len(log.columns[other]) for _, other in claims[role.label])
        return min(0, role.rank), sparse, role.rank, -points

    axes = {axis: tuple(name for _, name in sorted(claims[axis], key=order)) for axis in names.AXES if axis in claims}
    claims = {label: found for label, found in claims.items() if label not in axes}
    chosen = {label: min(found, key=order) for label, found in claims.items()}
    most = max((len(log.columns[name]) for _, name in chosen.values()), default=0)
    # a part with one point is a setting: focal_loss_alpha: 0.25
    chosen = {
        label: (role, name) for label, (role, name) in chosen.items() if not (role.part and _is_setting(len(log.columns[name]), most))
    }
    curves: Curves = {label: (role, (name,)) for label, (role, name) in chosen.items()}
    if {role.part for role, _ in curves.values() if role.metric == "loss"} == {"t", "v"}:  # t_loss beside v_loss
        curves = _of_initials(curves)
    curves = _of_episodes(curves, axes)
    roles = Roles(curves, axes, {})
    roles = _scored(_steady_time(roles, log), log)
    return _whole(roles, log)


def _of_initials(curves: Curves) -> Curves:
    """The curves with t and v before a metric read as training and validation."""
    named: Curves = {}
    for role, columns in curves.values():
        split = {"t": "train", "v": "val"}.get(role.part)
        role = replace(role, split=split, part="") if split else role
        named[role.label] = (role, columns)
    return named


def _of_episodes(curves: Curves, axes: Mapping[str, tuple[str, ...]]) -> Curves:
    """The curves with a score as the reward where episodes are counted; elsewhere it may be anything and is left out."""
    counted = {word for columns in axes.values() for name in columns for word in names.words(name)}
    kept = {label: claim for label, claim in curves.items() if label != "score"}
    if "score" in curves and "reward" not in curves and counted & {"episode", "episodes", "game", "games"}:
        kept["reward"] = (Role("reward"), curves["score"][1])
    return kept


def _is_setting(points: int, most: int) -> bool:
    return points * SPARSE**2 < most or (points == 1 and most > SPARSE)


def _is_text(column: Column) -> bool:
    return column.value.dtype == object


def _steady_time(roles: Roles, log: Log) -> Roles:
    """A ``time`` that does not grow is the time of a step (detectron2), not of the clock."""
    if "time" in roles.curves and "step_time" not in roles.curves:
        role, (name,) = roles.curves["time"]
        value = log.columns[name].value
        if len(value) > 2 and np.mean(np.diff(value) < 0) > 0.1:
            del roles.curves["time"]
            roles.curves["step_time"] = (replace(role, metric="step_time"), (name,))
    return roles


def _scored(roles: Roles, log: Log) -> Roles:
    """A score of no split, in each row with a validation loss, is the validation's where the training loss is named so (fastai)."""
    losses = [roles.curves.get(label) for label in ("train_loss", "val_loss")]
    if not all(claim and any(word in names.SPLIT for word in names.words(claim[1][0])) for claim in losses):
        return roles
    measured = log.columns["".join(losses[1][1])].row  # type: ignore[index]
    curves: Curves = {}
    for label, (role, (name,)) in roles.curves.items():
        unsaid = role.split == "train" and role.metric != "loss" and not any(word in names.SPLIT for word in names.words(name))
        named = replace(role, split="val")
        if unsaid and named.label not in roles.curves and np.array_equal(log.columns[name].row, measured):
            curves[named.label] = (named, (name,))
        else:
            curves[label] = (role, (name,))
    return replace(roles, curves=curves)


def _whole(roles: Roles, log: Log) -> Roles:
    """Where a split has parts of a loss and no whole: the only part is it, several sets are averaged, several terms added."""
    notes: list[str] = []
    combine: dict[str, Callable[..., Any]] = {}
    curves = dict(roles.curves)
    for metric in ("loss", "accuracy", "reward"):
        for split in ("train", "val", "test") if metric != "reward" else ("",):
            label = Role(metric, split).label
            parts = {name: role for role, (name,) in roles.curves.values() if (role.metric, role.split) == (metric, split) and role.part}
            if label in curves or not parts or any(role.rival for role in parts.values()):
                continue
            columns = tuple(parts)
            stems = {"".join(c for c in role.part if not c.isdigit()) for role in parts.values()}
            sets = len(stems) == 1 and all(any(c.isdigit() for c in role.part) for role in parts.values())
            lengths = [len(log.columns[name]) for name in columns]
            aligned = max(lengths) - min(lengths) <= 1  # one may be ahead where the log ends
            if (len(columns) > 1 and not (aligned and (sets or metric == "loss"))) or (metric == "reward" and not sets):
                continue
            if len(columns) > 1:
                combine[label] = np.mean if sets else np.sum
                notes.append(f"{label} is the {'mean' if sets else 'sum'} of {_list(columns)}; the log has no column for the whole")
            else:
                curves = {key: value for key, value in curves.items() if value[1] != columns}
            curves[label] = (Role(metric, split), columns)
    curves, tested = _held_out(curves, log)
    curves, named = _by_its_name(curves, log)
    notes += tested + named
    if not any(role.metric == "loss" for role, _ in curves.values()):
        for metric in names.LOSSLIKE:
            same = [(role, columns) for role, columns in curves.values() if role.metric == metric and not role.part]
            if same:
                for role, columns in same:
                    del curves[role.label]
                    curves[f"{role.split}_loss"] = (replace(role, metric="loss"), columns)
                notes.append(f"the log has no loss; {_list([c for _, cs in same for c in cs])} serves as one")
                break
        else:
            curves, bounds = _of_bounds(curves, combine, log)
            notes += bounds
    return Roles(curves, roles.axes, combine, tuple(notes))


def _of_bounds(curves: Curves, combine: dict[str, Callable[..., Any]], log: Log) -> tuple[Curves, list[str]]:
    """Losses of what bounds a log-likelihood (ELBO): it rises while the model learns, but many log its negative by the same name."""
    bounds = {label: claim for label, claim in curves.items() if claim[0].metric == "elbo" and not claim[0].part}
    values = [log.columns[claim[1][0]].value for claim in bounds.values()]
    if not bounds:
        return curves, []
    kept = {label: claim for label, claim in curves.items() if label not in bounds}
    rises = all((value[np.isfinite(value)] < 0).all() or value[-1] > value[0] for value in values)
    for role, columns in bounds.values():
        kept[f"{role.split}_loss"] = (replace(role, metric="loss"), columns)
        if rises:
            combine[f"{role.split}_loss"] = _negative
    return kept, [f"the log has no loss; {'the negative of ' * rises}{_list(cs[0] for _, cs in bounds.values())} serves as one"]


def _negative(values: list[Floats], axis: int) -> Floats:
    """The negative of the only series in a list, as a way to combine several."""
    return -values[axis]


def _held_out(curves: Curves, log: Log) -> tuple[Curves, list[str]]:
    """Series called test, where none is called validation: what is measured again and again while training is that."""
    tests = {label: claim for label, claim in curves.items() if claim[0].split == "test" and len(log.columns[claim[1][0]]) > 1}
    if not tests or any(role.split == "val" for role, _ in curves.values()):
        return curves, []
    renamed = {(role := replace(claim[0], split="val")).label: (role, claim[1]) for claim in tests.values()}
    kept = {label: claim for label, claim in curves.items() if label not in tests}
    return kept | renamed, [f"{_list(tests)} taken for validation: the log has no other"]


def _by_its_name(curves: Curves, log: Log) -> tuple[Curves, list[str]]:
    """A validation loss that is called by its name (``val_mse``) beside a training loss that is not, where both begin at one level."""
    if "train_loss" not in curves or "val_loss" in curves:
        return curves, []
    for metric in names.PROPER:
        role, columns = curves.get(f"val_{metric}", (None, ()))
        if role is None or f"train_{metric}" in curves or len(curves["train_loss"][1]) > 1:
            continue
        train, val = (float(log.columns[claim[0]].value[0]) for claim in (curves["train_loss"][1], columns))
        if 0.5 * train < val < 2 * train:
            kept = {label: claim for label, claim in curves.items() if label != role.label}
            return kept | {"val_loss": (replace(role, metric="loss"), columns)}, [f"{_shown(columns[0])} taken for the validation loss"]
    return curves, []


def _judged(run: Run) -> bool:
    """Whether there is something to judge a training by: a loss, a reward or a score."""
    return any(curve.split or curve.metric.endswith("reward") for curve in run.curves.values())


def _nothing_to_judge(log: Log, source: str) -> str:
    if not log.seen:
        return f"{source} holds no table and no named number such as 'loss: 0.5'; give the log that the training wrote"
    columns = [name for name in log.seen if not name.startswith("#")]
    where = "" if log.rows or not any(map(names.is_wanted, columns)) else ", and no rows yet"
    free = [name for name in columns if names.recognise(name) is None and names.setting(name) is None]
    hint = f"if one of them is, name it, as in --map train_loss={_shown(free[-1])!r}" if free else "give the log that the training wrote"
    return f"{source} has no loss{where}: its columns are {_list(columns, SEVERAL)}; {hint}"


def _shown(name: str) -> str:
    """A name from a log, safe and short enough for a sentence."""
    return plain(name) if len(name) <= 60 else f"{plain(name[:57])}..."


def _list(items: Iterable[str], most: int = 6) -> str:
    """Names for a sentence, shortened."""
    found = [_shown(item) for item in items]
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


# --- columns to runs ---------------------------------------------------------------------------------------------------


def _by_key(log: Log) -> Iterator[tuple[str, dict[str, Column]]]:
    """The columns of each run, where a column names the runs; else all of them, under no name."""
    for name in [name for name in log.columns if names.is_run(name)]:
        column = log.columns[name]
        keys, codes = np.unique(column.value.astype(str), return_inverse=True)
        if name == "#run" and len(keys) == 1 and keys[0] != ".":
            yield str(keys[0]), {name: column for name, column in log.columns.items() if not _is_text(column)}
            return
        if 1 < len(keys) <= max(2, len(column) // 2):
            first = np.unique(codes, return_index=True)[1]
            key, numbers = Column(column.row, codes), {other: cells for other, cells in log.columns.items() if not _is_text(cells)}
            parts = {other: _split(cells, key, len(keys)) for other, cells in numbers.items()}
            for code in np.argsort(first).tolist():
                yield str(keys[code]), {other: cells[code] for other, cells in parts.items() if len(cells[code])}
            return
    yield "", {name: column for name, column in log.columns.items() if not _is_text(column)}


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
    clock = _clock(columns, roles, lead)
    counters = [columns[name] for names_of_axis in roles.axes.values() for name in names_of_axis if len(columns.get(name, ()))]
    starts, resumes = _restarts(clock, lead, counters)
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


@dataclass(frozen=True)
class Clock:
    """How a log counts: ``axis`` is the coordinate of its points (None: the row), ``time`` what falls back where a run starts over."""

    axis: Column | None
    epoch: Column | None

    @property
    def time(self) -> Column | None:
        return self.axis or self.epoch


def _clock(columns: dict[str, Column], roles: Roles, lead: Column) -> Clock:
    """The step and the epoch of every row that has one. A step that counts within its epoch is made to go on."""

    def counter(axis: str) -> Column | None:
        found = [column for name in roles.axes.get(axis, ()) if _counts(column := columns.get(name), lead) and column is not None]
        return _merged(sorted(found, key=_falls_often))  # an episode's number before its length

    step, epoch = counter("step"), counter("epoch")
    if step is not None and np.equal(*_pairs(step.at(lead.row))).sum() > 0.5 * len(lead):
        step = None  # it counts something else
    if step is not None and epoch is not None:
        step = _unwrapped(_of_training(step, epoch, lead), epoch)
    if step is None and epoch is not None and _is_fine(epoch, lead):
        step = epoch
    return Clock(step, epoch)


def _falls_often(column: Column) -> bool:
    return float(np.greater(*_pairs(column.value)).sum()) > 0.2 * len(column)


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
    at = epoch.at(lead.row)
    later = at[at > at.min()]
    return len(later) > 0 and float(np.mean(np.diff(at)[at[1:] > at.min()] == 0)) < 0.05


def _pairs(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
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
    falls = np.greater(*_pairs(at.value))
    wraps = bool(falls.any()) and np.mean(np.less(*_pairs(epochs[own]))[falls]) >= 0.5
    counts_batches = wraps & (epochs == epochs[own][np.maximum(before, 0)])
    return step.where(own | (before < 0) | (step.value >= last) | ~(counts_epochs | counts_batches))


def _unwrapped(step: Column, epoch: Column) -> Column:
    """Steps that begin anew with every epoch, counted through."""
    back = np.flatnonzero(np.greater(*_pairs(step.value))) + 1
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
    for fall in (np.flatnonzero(np.greater(*_pairs(epochs))) + 1).tolist():
        offsets[fall:] -= offsets[fall]
    return Column(step.row, step.value + offsets)


def _restarts(clock: Clock, lead: Column, counters: list[Column]) -> tuple[list[int], list[tuple[int, float]]]:
    """The rows at which a new run begins, and those at which one resumes with the step it resumes at.

    A run starts over when its steps, or another of its counters, fall back to where they began; when they fall back to
    the middle, it was resumed from a checkpoint, and what had been logged past that step is void.
    """
    time = clock.time
    if time is None:
        return [], []
    rows, steps = lead.row, time.at(lead.row)
    fallen = np.greater(*_pairs(steps))
    if clock.axis is clock.epoch:
        fallen |= np.equal(*_pairs(steps)) & (steps[1:] == steps.min())
    starts: list[int] = []
    resumes: list[tuple[int, float]] = []
    begin = 0
    for at in (np.flatnonzero(fallen) + 1).tolist():
        spacing = float(np.median(np.diff(steps[begin:at]))) if at - begin > 4 else 0.0
        row = _first_after(time, int(rows[at - 1]), int(rows[at]), float(steps[at - 1]))
        looked_at = counters if len(resumes) < SEVERAL else []  # of interleaved runs each fall would cost the whole log
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
    return bool(count[-1] <= count[0] < count[-2] and not np.greater(*_pairs(count[:-1])).any())


def _first_after(axis: Column, last: int, new: int, step: float) -> int:
    """The first row past ``last`` whose step has fallen below ``step``; ``new`` at the latest."""
    between = (axis.row > last) & (axis.row <= new) & (axis.value < step)
    return int(axis.row[between][0]) if between.any() else new


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
        if not cells:
            continue
        if len(cells) < len(parts):
            continue
        series = _combined(cells, roles.combine[label]) if label in roles.combine else cells[0]
        step = (series.row - first).astype(np.float64) if clock.axis is None else clock.axis.at(series.row).astype(np.float64, copy=False)
        if resumes:
            keep = _not_voided(series, clock, resumes)
            void += int((~keep).sum())
            series, step = series.where(keep), step[keep]
        if not np.less(*_pairs(step)).all():
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
        places = _list(f"{step:g}" for _, step in resumes)
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
