"""Gym's and Stable-Baselines' episode monitor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import Dialect, blocks, dialect

_NAMES = {"r": "reward", "l": "length", "t": "time"}


class MonitorCsv(Reader):
    """``monitor.csv`` of reinforcement learning: one row an episode, its reward ``r``, length ``l`` and end time ``t``."""

    priority: ClassVar[int] = 45

    def sniff(self, source: Source) -> bool:
        return _table(source) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        if table := _table(source):
            yield from blocks(source, table, [_NAMES.get(name, name) for name in table.names])


def _table(source: Source) -> Dialect | None:
    table = dialect(source.text_head) if source.is_text and "r,l,t" in source.text_head[:2000] else None
    return table if table and table.names[:3] == ("r", "l", "t") else None
