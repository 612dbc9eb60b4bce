"""Says why a training does not learn, and proves the fix by short probe trainings.

``diagnose``, ``probe`` and ``read`` are the commands as functions, ``Monitor`` is the watch inside a training loop; ``Reader``,
``Check`` and ``Fix`` are to be subclassed. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lossdoctor._version import __version__

if TYPE_CHECKING:
    from lossdoctor.core.check import Check, Finding
    from lossdoctor.core.fix import Fix, Patch
    from lossdoctor.core.reader import Reader
    from lossdoctor.core.run import Run
    from lossdoctor.diagnose import diagnose
    from lossdoctor.live.monitor import Monitor
    from lossdoctor.probe import probe
    from lossdoctor.read import read

__all__ = ["Check", "Finding", "Fix", "Monitor", "Patch", "Reader", "Run", "__version__", "diagnose", "probe", "read"]

_HOME = {
    "Check": "lossdoctor.core.check",
    "Finding": "lossdoctor.core.check",
    "Fix": "lossdoctor.core.fix",
    "Monitor": "lossdoctor.live.monitor",
    "Patch": "lossdoctor.core.fix",
    "Reader": "lossdoctor.core.reader",
    "Run": "lossdoctor.core.run",
    "diagnose": "lossdoctor.diagnose",
    "probe": "lossdoctor.probe",
    "read": "lossdoctor.read",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """Three functions bear the name of their module, which the import system would put in their place."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, getattr(value, name) if name in _HOME and isinstance(value, ModuleType) else value)


sys.modules[__name__].__class__ = _Package
