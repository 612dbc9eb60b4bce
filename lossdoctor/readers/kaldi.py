"""Kaldi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source


class Kaldi(Reader):
    """Kaldi's ``accuracy.report``: the objective is a log-probability, negative and rising, so its negative is the loss."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        return source.is_text and source.text_head.lstrip().startswith("%Iter")

    def rows(self, source: Source) -> Iterator[Row]:
        lines = source.lines()
        names = next((line for line in lines if line.strip()), "").lstrip("% ").split()
        yield {"#note": "the objective is a log-probability; its negative is read as the loss"}
        for line in lines:
            row = dict(zip(names, line.split(), strict=False))
            try:
                yield {name.replace("objective", "loss"): -float(row[name]) for name in names if name.endswith("objective")} | {
                    "step": int(row["Iter"])
                }
            except (KeyError, ValueError):
                continue
