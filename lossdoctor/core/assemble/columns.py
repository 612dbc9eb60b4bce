"""Rows to columns: all rows of a log are read, the columns whose names mean something are kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core import names
from lossdoctor.core.reader import Block, Row
from lossdoctor.core.text import shown

BATCH = 256  # rows that are turned into arrays at a time: few enough to stay in the cache
COLUMNS = 10_000  # that are kept; a log with more makes its names from data
_WRITTEN = re.compile(  # 50.5%, tensor(0.5, device='cuda:0'), 0.5 ± 0.1
    r"(?:tensor\(\[?)?([^\s,()%\]]+)(?:%|\]?(?:, *[^()]*)?\)| *(?:±|\+/?-).*)"
)

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """The cells of a column that are not blank: the numbers of their rows, and their values (numbers, or texts)."""

    row: Ints
    value: NDArray[Any]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def is_text(self) -> bool:
        return self.value.dtype == object

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
            log.notes[f"the log names more than {COLUMNS:,} series; those after {shown(name)} are left out"] = None
    return name in log.kept


def _columns(block: dict[str, Any], size: int, log: Log) -> Iterator[tuple[str, Column]]:
    """The columns of a block; one of a phase (``mode``: train, val) is folded into the names of the others."""
    rows = np.arange(log.rows, log.rows + size)
    columns = {name: column for name, values in block.items() if len(column := _column(name, values, rows))}
    columns = _untidy(columns, log)
    phases = [name for name, column in columns.items() if names.is_phase(name) or _tells_splits(name, column)]
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


def _tells_splits(name: str, column: Column) -> bool:
    """Whether a column that could name a metric names the split of each row: ``{"name": "validation", "loss": 0.5}``."""
    return name in names.TIDY and column.is_text and all(names.split_of(str(mark)) for mark in set(column.value.tolist()))


def _untidy(columns: dict[str, Column], log: Log) -> dict[str, Column]:
    """A long table (one row a measurement: its metric, its value) as a wide one."""
    pair = next(((name, value) for name, value in names.TIDY.items() if name in columns and value in columns), None)
    if pair is None or not columns[pair[0]].is_text:
        return {name: cells for name, cells in columns.items() if name not in names.TIDY or not cells.is_text or _tells_splits(name, cells)}
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
