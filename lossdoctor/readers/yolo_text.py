"""What YOLOv5, YOLOv7 and Ultralytics print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.text import uncoloured

_HEADER = re.compile(r"\s*Epoch\s+GPU_mem\s+(\S.*?)\s+(?:Instances|labels|targets)\s+(?:Size|img_size)\s*", re.I)
_BAR = re.compile(r"\s*(\d+)/\d+\s+[\d.]+[GMK]?B?\s+(\S.*?)\s+\d+\s+\d+:\s+\d+%")
_ALL = re.compile(r"\s*all((?:\s+(?:[\d.]+(?:e[+-]?\d+)?|nan)){2,})\s*", re.I)
_SCORES = ("val/precision", "val/recall", "val/map50", "val/map50_95")


class YoloText(Reader):
    """The printed output of YOLOv5, YOLOv7 and Ultralytics: a header, a bar over the batches and a line of scores for each epoch."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        return source.is_text and any(map(_HEADER.fullmatch, map(uncoloured, source.text_head.splitlines())))

    def rows(self, source: Source) -> Iterator[Row]:
        names: list[str] = []
        row: dict[str, Any] = {}
        for line in map(uncoloured, source.lines()):
            if header := _HEADER.fullmatch(line):
                names = [f"train/{name.removesuffix('_loss')}_loss" for name in header[1].split()]
            elif bar := _BAR.match(line):
                if row and row["epoch"] != int(bar[1]):
                    yield row
                row = {"epoch": int(bar[1])} | dict(zip(names, bar[2].split(), strict=False))  # of all states of a bar the last
            elif row and (scores := _ALL.fullmatch(line)):
                yield row | _scores(scores[1].split())
                row = {}
        if row:
            yield row


def _scores(cells: list[str]) -> dict[str, str]:
    """Accuracies of a classifier; else what follows the counts of images and of objects, the boxes' scores first."""
    if len(cells) == 2:
        return dict(zip(("val/top1_accuracy", "val/top5_accuracy"), cells, strict=True))
    return dict(zip(_SCORES, cells[2:], strict=False))
