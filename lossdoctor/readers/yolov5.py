"""YOLOv5 and YOLOv7."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source

_LINE = re.compile(r"\s*(\d+)/(\d+)\s+[\d.]+[GM]?((?:\s+[-+\w.]+){13})\s*$")
_NAMES = (
    *("train/box_loss", "train/obj_loss", "train/cls_loss", "train/total_loss", "", "", "val/precision", "val/recall", "val/map50"),
    *("val/map50_95", "val/box_loss", "val/obj_loss", "val/cls_loss"),
)


class Yolov5(Reader):
    """YOLOv5's ``results.txt``: no header, epoch as ``0/44``, memory as ``2.19G``, then losses, scores and validation losses."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        return source.is_text and _LINE.match(source.text_head.lstrip("\n").partition("\n")[0]) is not None

    def rows(self, source: Source) -> Iterator[Row]:
        for line in source.lines():
            if match := _LINE.match(line):
                cells = zip(_NAMES, match[3].split(), strict=True)
                yield {"epoch": int(match[1])} | {name: cell for name, cell in cells if name}
