"""Darknet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source

_LINE = re.compile(r"\s*(\d+): (\S+), (\S+) avg(?: loss)?, (\S+) rate,")


class Darknet(Reader):
    """Darknet's output: ``1: 1118.5, 1118.5 avg loss, 0.001 rate, ...``, of which the running average is its loss."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        return source.is_text and any(map(_LINE.match, source.text_head.splitlines()))

    def rows(self, source: Source) -> Iterator[Row]:
        for line in source.lines():
            if match := _LINE.match(line):
                yield {"step": int(match[1]), "avg_loss": match[3], "lr": match[4]}
