"""PyTorch Lightning's CSVLogger."""

from __future__ import annotations

from typing import ClassVar

from lossdoctor.core.names import TIDY
from lossdoctor.core.reader import Source
from lossdoctor.core.table import Dialect, TableReader, dialect


class LightningCsv(TableReader):
    """PyTorch Lightning ``metrics.csv``: one row for each call of ``log``, most cells blank."""

    priority: ClassVar[int] = 40

    def table(self, source: Source) -> Dialect | None:
        """Epoch and step with blank cells between, or ``created_at`` (before 0.8)."""
        header, _, body = source.text_head.partition("\n")
        names = set(header.strip().split(","))
        ours = "epoch" in names and ("created_at" in names or ("step" in names and (",," in body or ",\n" in body or "\n," in body)))
        return dialect(source.text_head) if ours and not names & set(TIDY) and source.is_text else None
