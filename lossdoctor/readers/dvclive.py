"""DVCLive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lossdoctor.core.names import number, settings
from lossdoctor.core.reader import Reader, Row, Source


class Dvclive(Reader):
    """A DVCLive folder: ``plots/metrics/**.tsv``, one file a metric, each with its step."""

    priority: ClassVar[int] = 85

    def sniff(self, source: Source) -> bool:
        return source.path is not None and source.is_dir and (source.path / "plots" / "metrics").is_dir()

    def rows(self, source: Source) -> Iterator[Row]:
        root = source.path or Path()
        params = root / "params.yaml"
        if params.is_file():
            pairs = (line.partition(":") for line in Source(params).lines() if line[:1].isalpha())
            yield {"#settings": settings({name: number(value.strip()) for name, _, value in pairs})}
        folder = root / "plots" / "metrics"
        by_step: dict[float, dict[str, float]] = {}
        for file in sorted(folder.rglob("*.tsv")):
            name = "/".join(file.relative_to(folder).with_suffix("").parts)
            for step, value in _points(file):
                by_step.setdefault(step, {"step": step})[name] = value
        yield from (by_step[step] for step in sorted(by_step))


def _points(file: Path) -> Iterator[tuple[float, float]]:
    """Step and value of each row: the first column named ``step``, and the last."""
    lines = Source(file).lines()
    names = next(lines, "").split("\t")
    at = names.index("step") if "step" in names else 0
    for line in lines:
        cells = line.split("\t")
        try:
            yield float(cells[at]), float(cells[-1])
        except (IndexError, ValueError):
            continue
