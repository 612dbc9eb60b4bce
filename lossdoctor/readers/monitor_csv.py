"""Gym's and Stable-Baselines' episode monitor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from lossdoctor.core.reader import Source
from lossdoctor.core.table import Dialect, TableReader, dialect

_NAMES = {"r": "reward", "l": "length", "t": "time"}


class MonitorCsv(TableReader):
    """``monitor.csv`` of reinforcement learning: one row an episode, its reward ``r``, length ``l`` and end time ``t``."""

    priority: ClassVar[int] = 45

    def table(self, source: Source) -> Dialect | None:
        table = dialect(source.text_head) if source.is_text and "r,l,t" in source.text_head[:2000] else None
        return table if table and table.names[:3] == ("r", "l", "t") else None

    def names(self, table: Dialect) -> Sequence[str]:
        return [_NAMES.get(name, name) for name in table.names]
