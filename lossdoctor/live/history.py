"""The columns of a log that grows, in bounded space: neighbouring rows are merged, evenly over the whole log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.assemble import Column, Log

FIRST = 48  # rows that stay as they are: the level at the start is read from the very first
MOST = 3 * 2**14  # blocks of merged rows; a diagnosis looks at 256 bins of them


class History:
    """What has been logged so far, as a ``Log`` of at most 49,200 rows.

    A long log is cut into blocks of 3, 6, 12, 24 ... rows, twice as many whenever it has outgrown its space; the size is the same over
    the whole log, so that signals which count points weigh its parts alike. A block is the median of each three rows, and the mean of
    these medians: lone spikes vanish, and what is left is as noisy as the median of all its rows. A number beats one that is not
    finite; a series that has fewer points than there are blocks keeps them all.
    """

    def __init__(self) -> None:
        self.told = Log()
        self.first: dict[str, Column] = {}
        self.blocks: dict[str, Column] = {}
        self.open: dict[str, Column] = {}  # the rows after the last whole block
        self.rows = 0
        self.size = 1  # rows in a block

    def add(self, new: Log) -> None:
        """Take in what was logged since."""
        self.told.seen |= new.seen
        self.told.settings |= new.settings
        self.told.notes |= new.notes
        shifted = {name: Column(column.row + self.rows, column.value) for name, column in new.columns.items()}
        self.rows += new.rows
        self.first = _joined(self.first, _between(shifted, 0, FIRST))
        self.open = _joined(self.open, _between(shifted, FIRST, self.rows))
        while self.rows - FIRST >= MOST * self.size:
            self._close(MOST * self.size)
            self.size *= 3 if self.size == 1 else 2
            self.blocks = {name: merged(column, self.size, FIRST) for name, column in self.blocks.items()}
        self._close((self.rows - FIRST) // self.size * self.size)

    def log(self) -> Log:
        """All of it, the rows after the last whole block as a block of their own."""
        parts = (self.first, self.blocks, self._in_blocks(self.open))
        columns: dict[str, Column] = {}
        for part in parts:
            columns = _joined(columns, part)
        return replace(self.told, columns=columns, rows=self.rows)

    def _close(self, end: int) -> None:
        """Merge the rows before ``end``, counted from the first block, which ends a block."""
        self.blocks = _joined(self.blocks, self._in_blocks(_between(self.open, 0, FIRST + end)))
        self.open = _between(self.open, FIRST + end, self.rows)

    def _in_blocks(self, columns: dict[str, Column]) -> dict[str, Column]:
        size = min(self.size, 3)
        while size <= self.size and size > 1:
            columns = {name: merged(column, size, FIRST) for name, column in columns.items()}
            size *= 2
        return columns


def merged(column: Column, size: int, origin: int = 0) -> Column:
    """The median of the cells in each block of ``size`` rows, at the block's first row; of two cells it is their mean."""
    if not len(column):
        return column
    block = (column.row - origin) // size
    if len(column) > 1 and not (np.equal(block[1:], block[:-1])).any():
        return Column(origin + block * size, column.value)
    finite = np.isfinite(column.value)
    order = np.lexsort((column.value, ~finite, block))
    block, value = block[order], column.value[order]
    starts = np.flatnonzero(np.append(True, block[1:] != block[:-1]))
    count = np.maximum(np.add.reduceat(finite[order].astype(np.int64), starts), 1)
    middle = value[starts + (count - 1) // 2] / 2 + value[starts + count // 2] / 2
    return Column(origin + block[starts] * size, middle)


def _between(columns: dict[str, Column], low: int, high: int) -> dict[str, Column]:
    return {name: column.where(_inside(column.row, low, high)) for name, column in columns.items()}


def _inside(row: NDArray[np.int64], low: int, high: int) -> NDArray[np.bool_]:
    return (row >= low) & (row < high)


def _joined(before: dict[str, Column], after: dict[str, Column]) -> dict[str, Column]:
    """The cells of both, column by column; a column that has none is left out."""
    joined: dict[str, Column] = {}
    for name in before | after:
        parts = [part[name] for part in (before, after) if name in part and len(part[name])]
        if parts:
            joined[name] = Column(np.concatenate([part.row for part in parts]), np.concatenate([part.value for part in parts]))
    return joined
