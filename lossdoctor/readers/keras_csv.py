"""Keras's CSVLogger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import Dialect, blocks, dialect


class KerasCsv(Reader):
    """Keras ``CSVLogger``: ``epoch``, metrics by name, the validation's with ``val_`` before them."""

    priority: ClassVar[int] = 35

    def sniff(self, source: Source) -> bool:
        return _table(source) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        if table := _table(source):
            yield from blocks(source, table)


def _table(source: Source) -> Dialect | None:
    """The table if it is one of Keras's: a plain ``loss`` and no step, and each ``val_x`` beside its ``x``."""
    table = dialect(source.text_head) if source.is_text and "loss" in source.text_head[:4096] else None
    names = set(table.names) if table else set()
    twins = {name.removeprefix("val_") for name in names if name.startswith("val_")}
    return table if "loss" in names and twins <= names and ("epoch" in names or twins) and "step" not in names else None
