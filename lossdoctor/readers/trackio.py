"""Trackio."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from lossdoctor.core import sqlite
from lossdoctor.core.names import settings
from lossdoctor.core.reader import Reader, Row, Source


class Trackio(Reader):
    """Trackio's database of a project, ``PROJECT.db``: a row a call of ``log``, its metrics as JSON."""

    priority: ClassVar[int] = 85

    def sniff(self, source: Source) -> bool:
        return {"run_name", "step", "metrics"} <= sqlite.columns(source, "metrics")

    def rows(self, source: Source) -> Iterator[Row]:
        if "config" in sqlite.columns(source, "configs"):
            for (config,) in sqlite.query(source, "SELECT config FROM configs"):
                yield {"#settings": settings(_mapping(config))}
        # two runs of one name have ids of their own; older versions have none
        run = "run_id" if "run_id" in sqlite.columns(source, "metrics") else "run_name"
        rows = sqlite.query(source, f"SELECT run_name, step, metrics FROM metrics ORDER BY {run}, rowid")
        yield from ({**_mapping(metrics), "step": step, "#run": str(name)} for name, step, metrics in rows)


def _mapping(text: str | bytes) -> dict[str, Any]:
    """JSON, in a column of text or, since 0.40, of bytes; what is none is empty. NaN is written as the word."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
