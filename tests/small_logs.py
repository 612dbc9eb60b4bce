"""What the tests of readers share: a log in, its curves out."""

from __future__ import annotations

from typing import Any

from lossdoctor.core.run import Run
from lossdoctor.read import read

LOSS = [1.5, 1.25, 1.0, 0.75, 0.5]


def one(data: str | bytes, **options: Any) -> Run:
    """The only run in a log."""
    (run,) = read("-", stdin=data.encode() if isinstance(data, str) else data, **options)
    return run


def values(run: Run, label: str) -> list[float]:
    return run.curves[label].value.tolist()


def steps(run: Run, label: str) -> list[float]:
    return run.curves[label].step.tolist()
