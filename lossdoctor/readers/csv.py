"""Tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import blocks, dialect


class Csv(Reader):
    """Tables of any dialect: comma, semicolon, tab, bar or spaces; decimal comma; with or without a header; packed or not."""

    priority: ClassVar[int] = 20

    def sniff(self, source: Source) -> bool:
        return source.is_text and dialect(source.text_head) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        table = dialect(source.text_head)
        if table:
            yield from blocks(source, table)
