"""llm.c and build-nanogpt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from lossdoctor.core.reader import Reader, Row, Source

_LINE = re.compile(r"s:(\d+) (tr[nl]|tel|eval):(\S+)(?: lr:(\S+))?(?: norm:(\S+))?|(\d+) (train|val|hella) (\S+)")
_NAMES = {"trl": "train_loss", "trn": "train_loss", "train": "train_loss", "tel": "val_loss", "val": "val_loss"}


class LlmC(Reader):
    """llm.c's ``main.log`` (``s:250 trl:3.1``, ``s:250 tel:3.2``) and build-nanogpt's ``log.txt`` (``250 train 3.1``)."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        lines = source.text_head.splitlines()[:10] if source.is_text else []
        return bool(lines) and all(map(_LINE.fullmatch, lines))

    def rows(self, source: Source) -> Iterator[Row]:
        for line in source.lines():
            if match := _LINE.fullmatch(line):
                step, name, value = match[1] or match[6], match[2] or match[7], match[3] or match[8]
                row = {"step": int(step), _NAMES.get(name, "hellaswag"): value, "lr": match[4], "grad_norm": match[5]}
                yield {key: cell for key, cell in row.items() if cell is not None}
