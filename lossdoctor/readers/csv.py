"""Tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import blocks, dialect

_OF_RUNS = ({"Name", "State", "Runtime"}, {"Run ID", "Duration"})  # as W&B and MLflow export their overviews


class Csv(Reader):
    """Tables of any dialect: comma, semicolon, tab, bar or spaces; decimal comma; with or without a header; packed or not."""

    priority: ClassVar[int] = 20

    def sniff(self, source: Source) -> bool:
        return source.is_text and dialect(source.text_head) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        table = dialect(source.text_head)
        if table and any(columns <= set(table.names) for columns in _OF_RUNS):
            raise UnreadableLog(f"{source.name} is a table of runs, one row each; export the series of a run, its loss against its steps")
        if table:
            yield from blocks(source, table)
