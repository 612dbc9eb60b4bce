"""Signals are pure functions that name what they need as parameters; this resolves them, each once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Need:
    """A parameter of a signal or of ``examine``: the signal's name, and whether its absence is tolerated."""

    name: str
    optional: bool


def needs(function: Callable[..., Any]) -> tuple[Need, ...]:
    """What a function asks for, from its signature; ``x: Curve | None`` tolerates an absent ``x``."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(Need(p.name, "None" in str(p.annotation)) for p in parameters if p.name != "self")


def absent_reason(function: Callable[..., Any]) -> str:
    """The sentence after ``Absent:`` in a signal's docstring: why it can be None."""
    match = re.search(r"^Absent: (.+?)(?:\n\s*\n|\Z)", inspect.getdoc(function) or "", re.M | re.S)
    return " ".join(match[1].split()).rstrip(".") if match else f"{function.__name__} could not be measured"


class Catalogue:
    """All signal functions by name, with what each needs in the end."""

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self.functions = {function.__name__: function for function in functions}

    def inputs(self, name: str, _seen: tuple[str, ...] = ()) -> frozenset[str]:
        """The names that must be given (``run``, ``workload``) before signal ``name`` can be computed."""
        if name in _seen:
            raise TypeError(f"signals depend on each other in a circle: {' -> '.join((*_seen, name))}")
        if name not in self.functions:
            return frozenset({name})
        parts = (self.inputs(need.name, (*_seen, name)) for need in needs(self.functions[name]) if not need.optional)
        return frozenset().union(*parts)


MEMORY = ("MemoryError", "OutOfMemoryError")  # torch's is known here by its name alone


class Signals:
    """The signals of one run or workload, computed when first asked for and kept."""

    def __init__(self, catalogue: Catalogue, **given: Any) -> None:
        self.catalogue = catalogue
        self.given = given

    @cached_property
    def _values(self) -> dict[str, tuple[Any, str]]:
        return {name: (value, "") for name, value in self.given.items()}

    def but(self, **given: Any) -> Signals:
        """The signals of other inputs: what does not depend on those that are given anew is not measured again."""
        other = Signals(self.catalogue, **{**self.given, **given})
        other._values.update({name: value for name, value in self._values.items() if not self._touched(name, frozenset(given))})
        return other

    def _touched(self, name: str, given: frozenset[str]) -> bool:
        """Whether a signal depends on one of the inputs, even if it could do without."""
        function = self.catalogue.functions.get(name)
        return name in given or (function is not None and any(self._touched(need.name, given) for need in needs(function)))

    def get(self, name: str) -> Any:
        """The value of a signal; None where it is absent."""
        return self._resolve(name)[0]

    def reason(self, name: str) -> str:
        """Why a signal is absent."""
        return self._resolve(name)[1]

    def arguments(self, function: Callable[..., Any]) -> tuple[dict[str, Any], str]:
        """The arguments a function asks for; or the reason why one that it cannot do without is absent."""
        arguments: dict[str, Any] = {}
        for need in needs(function):
            value, reason = self._resolve(need.name)
            if value is None and not need.optional:
                return {}, reason
            arguments[need.name] = value
        return arguments, ""

    def _resolve(self, name: str) -> tuple[Any, str]:
        if name not in self._values:
            function = self.catalogue.functions.get(name)
            self._values[name] = (None, f"{name} is not known here") if function is None else self._compute(function)
        return self._values[name]

    def _compute(self, function: Callable[..., Any]) -> tuple[Any, str]:
        arguments, reason = self.arguments(function)
        if reason:
            return None, reason
        try:
            value = function(**arguments)
        except Exception as error:
            if type(error).__name__ not in MEMORY:
                raise
            return None, "memory does not do for its examples at once"
        return value, absent_reason(function) if value is None else ""
