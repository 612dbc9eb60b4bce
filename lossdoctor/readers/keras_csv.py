"""Keras's CSVLogger."""

from __future__ import annotations

from typing import ClassVar

from lossdoctor.core.reader import Source
from lossdoctor.core.table import Dialect, TableReader, dialect


class KerasCsv(TableReader):
    """Keras ``CSVLogger``: ``epoch``, metrics by name, the validation's with ``val_`` before them."""

    priority: ClassVar[int] = 35

    def table(self, source: Source) -> Dialect | None:
        """A plain ``loss`` and no step, and each ``val_x`` beside its ``x``."""
        table = dialect(source.text_head) if source.is_text and "loss" in source.text_head[:4096] else None
        names = set(table.names) if table else set()
        twins = {name.removeprefix("val_") for name in names if name.startswith("val_")}
        return table if "loss" in names and twins <= names and ("epoch" in names or twins) and "step" not in names else None
