"""MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lossdoctor.core import sqlite
from lossdoctor.core.names import number, settings
from lossdoctor.core.reader import Reader, Row, Source

MOST = 10_000  # files of a run that are read
LONGEST = 1000  # characters of a parameter


class Mlflow(Reader):
    """A run's folder in MLflow's file store: ``metrics/``, ``params/`` and ``meta.yaml``."""

    priority: ClassVar[int] = 85

    def sniff(self, source: Source) -> bool:
        return source.path is not None and source.is_dir and (source.path / "meta.yaml").is_file() and (source.path / "metrics").is_dir()

    def rows(self, source: Source) -> Iterator[Row]:
        run = source.path or Path()
        yield {"#settings": settings(dict(_params(run / "params")))}
        points = sorted(_points(run / "metrics"))  # by time
        yield from ({name: value, "step": step, "#run": run.name} for _, step, name, value in points)


class MlflowSqlite(Reader):
    """MLflow's database, ``mlflow.db``, in SQLite."""

    priority: ClassVar[int] = 85

    def sniff(self, source: Source) -> bool:
        return {"run_uuid", "key", "value", "is_nan", "step"} <= sqlite.columns(source, "metrics")

    def rows(self, source: Source) -> Iterator[Row]:
        text = "SELECT run_uuid, key, value, is_nan, step FROM metrics ORDER BY run_uuid, timestamp, step"
        for run, key, value, is_nan, step in sqlite.query(source, text):
            # a NaN is stored as 0.0 with a mark, an infinity as the largest double
            held = float("nan") if is_nan or not isinstance(value, int | float) else value if abs(value) < 1.7e308 else value * 10
            yield {str(key): held, "step": step, "#run": str(run)}


def _points(folder: Path) -> Iterator[tuple[int, int, str, float]]:
    """Time, step, name and value of each line of the metric files; a metric's name may have slashes."""
    for count, file in enumerate(sorted(folder.rglob("*"))):
        if count >= MOST or not file.is_file():
            continue
        name = "/".join(file.relative_to(folder).parts)
        for line in Source(file).lines():
            cells = line.split()
            try:
                yield int(cells[0]), int(cells[2]) if len(cells) > 2 else 0, name, float(cells[1])
            except (IndexError, ValueError):
                continue


def _params(folder: Path) -> Iterator[tuple[str, object]]:
    if folder.is_dir():
        for file in sorted(folder.iterdir())[:MOST]:
            if file.is_file():
                with Source(file).open() as raw:
                    yield file.name, number(raw.read(LONGEST).decode(errors="replace").strip())
