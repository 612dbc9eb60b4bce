"""The folder is the registry: whatever lies in it is found."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

from lossdoctor.core.check import Check
from lossdoctor.core.fix import Fix
from lossdoctor.core.reader import Reader
from lossdoctor.core.report import Report
from lossdoctor.core.signals import Catalogue, needs
from lossdoctor.core.unit import Unit

U = TypeVar("U", bound=Unit)


def modules(package: str) -> Iterator[ModuleType]:
    """All modules below a package, in the order of their names. One whose name begins with an underscore is a part that a unit
    loads when it is used."""
    root = importlib.import_module(package)
    for info in sorted(pkgutil.walk_packages(root.__path__, f"{package}."), key=lambda info: info.name):
        if not info.ispkg and not info.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(info.name)


def units(package: str, base: type[U]) -> tuple[U, ...]:
    """One instance of each subclass of ``base`` that is written below ``package``."""
    found = [
        cls
        for module in modules(package)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, base) and cls is not base and cls.__module__ == module.__name__
    ]
    return tuple(cls() for cls in found)


@cache
def checks() -> tuple[Check, ...]:
    """All checks by code. A check that names an unknown signal is an error of its author."""
    found = tuple(sorted(units("lossdoctor.checks", Check), key=lambda check: check.code))
    known = set(signals().functions) | {"run", "workload"}
    for check in found:
        unknown = {need.name for need in needs(check.examine)} - known
        if unknown:
            raise TypeError(f"{check.code} {check.name} asks for an unknown signal: {', '.join(sorted(unknown))}")
    return found


@cache
def fixes() -> tuple[Fix, ...]:
    """All fixes by code."""
    return tuple(sorted(units("lossdoctor.fixes", Fix), key=lambda fix: fix.code))


@cache
def readers() -> tuple[Reader, ...]:
    """All readers, those of one program's format first."""
    return tuple(sorted(units("lossdoctor.readers", Reader), key=lambda reader: -reader.priority))


@cache
def reports() -> dict[str, Report]:
    """All reports by the name that ``--format`` takes."""
    return {report.format: report for report in units("lossdoctor.reports", Report)}


@cache
def signals() -> Catalogue:
    """All signals: the public functions of the modules in ``signals/``."""
    return Catalogue(function for module in modules("lossdoctor.signals") for function in _functions(module))


def _functions(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for name, function in vars(module).items():
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
            yield function
