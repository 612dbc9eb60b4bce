"""Which logged settings differ between runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lossdoctor.core.run import Run


def changed_settings(runs: Sequence[Run]) -> dict[str, tuple[Any, ...]]:
    """The logged settings that differ among the runs that log them, with the value in each run."""
    logged = [run.config for run in runs]
    keys = dict.fromkeys(key for settings in logged for key in settings)
    values = {key: tuple(settings.get(key) for settings in logged) for key in keys}
    return {key: found for key, found in values.items() if len({_rounded(value) for value in found if value is not None}) > 1}


def _rounded(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)
