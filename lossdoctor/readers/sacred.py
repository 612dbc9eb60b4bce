"""Sacred."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from lossdoctor.core.reader import Reader, Row, Source


class Sacred(Reader):
    """Sacred's ``metrics.json``: for each metric its steps, timestamps and values."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        head = source.text_head.lstrip()
        return head.startswith("{") and '"steps"' in head and ('"timestamps"' in head or len(head) > 60_000)

    def rows(self, source: Source) -> Iterator[Row]:
        document: dict[str, Any] = source.json()
        points = [
            (str(time), order, step, name, value)
            for name, series in document.items()
            if isinstance(series, dict) and all(isinstance(series.get(key), list) for key in ("steps", "timestamps", "values"))
            for order, (step, time, value) in enumerate(zip(series["steps"], series["timestamps"], series["values"], strict=False))
        ]
        points.sort(key=lambda point: point[:2])
        yield from ({"step": step, name: _plain(value)} for _, _, step, name, value in points)


def _plain(value: Any) -> Any:
    """A number; Sacred writes numpy's with their type: ``{"dtype": ..., "value": 0.5}``."""
    return value.get("value") if isinstance(value, dict) else value
