"""How the benchmarks print a share."""

from __future__ import annotations

from collections.abc import Iterable


def of(part: Iterable[bool]) -> str:
    """``3/4 = 75.0 %``"""
    flags = list(part)
    return f"{sum(flags)}/{len(flags)} = {100 * sum(flags) / max(len(flags), 1):.1f} %"
