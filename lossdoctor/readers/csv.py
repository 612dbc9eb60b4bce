"""Tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import recognise
from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import Dialect, blocks, dialect

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
            yield from blocks(source, table, _called(source, table))


def _called(source: Source, table: Dialect) -> list[str] | None:
    """A lone column of numbers is called as its file is: ``train_loss.txt``, as ``numpy.savetxt`` writes them."""
    stem = Path(source.name).stem
    return [stem] if len(table.names) == 1 and not table.has_header and recognise(stem) else None
