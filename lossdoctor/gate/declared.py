"""Where a policy is declared: in options, else in the nearest ``lossdoctor.toml`` or ``pyproject.toml``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lossdoctor.core.errors import BadConfig, UsageError
from lossdoctor.core.text import did_you_mean
from lossdoctor.gate.rules import UNHEALTHY, Goal, Policy

FILES = ("lossdoctor.toml", "pyproject.toml")  # the first that a folder has is the one that counts
DEFAULT = Policy(fail_on=(UNHEALTHY,))


def policy(folder: Path, options: Mapping[str, Any]) -> Policy:
    """The policy of the options, else of the nearest file that declares one, else that every unhealthy status fails.

    ``folder`` and those above it are searched, as ruff does: for ``lossdoctor.toml``, or a ``pyproject.toml`` that has a
    ``[tool.lossdoctor]`` table. An option takes the place of the same key in the file. Raises ``BadConfig`` or ``UsageError``.
    """
    return replace(_declared(folder), **_checked({key: value for key, value in options.items() if value not in (None, [])}))


def _declared(folder: Path) -> Policy:
    for place in (folder, *folder.parents):
        for path in (place / name for name in FILES):
            table = _table(path) if path.is_file() else None
            if table is None:
                continue
            where = f"{path}: {'[gate]' if path.name == FILES[0] else '[tool.lossdoctor.gate]'}"
            if unknown := [key for key in table if key not in PARSERS]:
                hint = did_you_mean(unknown[0], PARSERS) or f"; it takes {', '.join(PARSERS)}"
                raise BadConfig(f"{where} has no key {unknown[0]!r}{hint}")
            try:
                declared = replace(DEFAULT, **_checked(table))
            except UsageError as error:
                raise BadConfig(f"{where}: {error}") from error
            return replace(declared, baseline=tuple(str(place / log) for log in declared.baseline))
    return DEFAULT


def _table(path: Path) -> Mapping[str, Any] | None:
    """The gate's table in a file; None for a pyproject.toml that does not speak of lossdoctor."""
    import tomllib

    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfig(f"{path} cannot be read: {error}") from error
    if path.name != FILES[0]:
        tools = table.get("tool", {})
        if not isinstance(tools, dict):
            raise BadConfig(f"{path}: 'tool' must be a table, as in [tool.lossdoctor.gate]")
        if "lossdoctor" not in tools:
            return None
        table = tools["lossdoctor"]
    if not isinstance(table, dict):
        raise BadConfig(f"{path}: 'lossdoctor' must be a table, as in [tool.lossdoctor.gate]")
    if unknown := [key for key in table if key != "gate"]:
        raise BadConfig(f"{path} has {unknown[0]!r}, which is no table of lossdoctor{did_you_mean(unknown[0], ['gate'])}")
    if not isinstance(gate := table.get("gate", {}), dict):
        raise BadConfig(f"{path}: 'gate' must be a table, as in [tool.lossdoctor.gate]")
    return gate


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: PARSERS[key](key, value) for key, value in values.items()}


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) and text for text in value):
        raise UsageError(f'{key} must be a list of texts, as in {key} = ["..."]')
    return tuple(value)


def _share(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UsageError(f"{key} must be a share of the run, from 0 to 1, not {value!r}")
    return float(value)


def _gain(key: str, value: Any) -> str:
    text = str(value).strip()
    try:
        if not math.isfinite(float(text.removesuffix("%"))):
            raise ValueError(text)
    except ValueError:
        raise UsageError(f"{key} must be a number, or a share such as '1%', not {value!r}") from None
    return text


PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "fail_on": lambda key, value: Policy.of(_texts(key, value)).fail_on,
    "max_wasted": _share,
    "min_gain": _gain,
    "reach": lambda key, value: tuple(Goal.of(text) for text in _texts(key, value)),
    "require": _texts,
    "baseline": _texts,
}
