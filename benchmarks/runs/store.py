"""The frozen runs: one JSON object a line, compressed; readable with zcat, and by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recipes import Recipe

FILE = Path(__file__).parent / "runs.jsonl.gz"
TWINS = Path(__file__).parent / "twins.jsonl.gz"


def plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe as JSON, without what has its usual value."""
    shown = asdict(recipe)
    shown["log"]["columns"] = sorted(recipe.log.columns)
    return {name: value for name, value in shown.items() if value not in (None, {}, False) or name in ("number", "families")}


def freeze(runs: Iterable[dict[str, Any]], target: Path = FILE) -> None:
    """Write the runs; the same runs give the same bytes."""
    text = "".join(json.dumps(run, separators=(",", ":")) + "\n" for run in runs)
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as file:
        file.write(text.encode())


def load(source: Path = FILE) -> list[dict[str, Any]]:
    """All runs (or ``TWINS``), in the order of their numbers."""
    with gzip.open(source, "rt") as file:
        return [json.loads(line) for line in file]
