"""ClearML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from lossdoctor.core.reader import Block, Reader, Row, Source


class ClearmlJson(Reader):
    """ClearML's scalars as JSON, as ``Task.get_reported_scalars`` gives them: for each metric and variant its ``x`` and ``y``."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        head = source.text_head.lstrip()
        return head.startswith("{") and '"x"' in head and '"y"' in head and '"name"' in head

    def rows(self, source: Source) -> Iterator[Row]:
        document = source.json()
        for metric, variants in document.items():
            for variant, series in variants.items() if isinstance(variants, dict) else ():
                x, y = _lists(series)
                if x and len(x) == len(y):
                    yield Block({"iteration": x, f"{variant}/{metric}": y})


def _lists(series: Any) -> tuple[list[Any], list[Any]]:
    found = [series.get(axis) if isinstance(series, dict) else None for axis in "xy"]
    x, y = (values if isinstance(values, list) else [] for values in found)
    return x, y
