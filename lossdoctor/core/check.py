"""A check looks at signals and returns a finding, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from lossdoctor.core.unit import Unit


class Severity(StrEnum):
    """How bad it is if the finding is true; how sure it is stands apart, in ``confidence``."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """Something wrong, with its evidence in numbers. Holds JSON scalars only."""

    code: str
    name: str
    family: str
    severity: Severity
    confidence: float
    message: str
    step: float | None = None
    span: tuple[float, float] | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Check(Unit):
    """Base of all checks: subclass it in ``checks/FAMILY/`` and the file is the registration.

    ``examine`` names the signals it wants as parameters. A signal that is absent skips the check, with the signal's
    reason, unless the parameter is annotated ``| None``. ``requires`` lists codes: while one of those findings stands,
    this check is masked, because its finding would be a consequence. ``voids`` says that what trials are judged by, the loss or
    the validation data, is wrong while the finding stands, so that they prove nothing. Thresholds are class attributes, one a line, with
    their source; ``--set CODE.threshold=value`` overrides one. ``sick`` and ``healthy`` are small examples of the
    arguments of ``examine``: they are the check's tests and its documentation.
    """

    severity: ClassVar[Severity]
    voids: ClassVar[bool] = False
    requires: ClassVar[frozenset[str]] = frozenset()
    examine: Callable[..., Finding | None]
    sick: ClassVar[list[dict[str, Any]]] = []
    healthy: ClassVar[list[dict[str, Any]]] = []

    @classmethod
    def thresholds(cls) -> dict[str, float]:
        """The numbers that ``--set`` can override, by name."""
        return {name: value for name, value in vars(cls).items() if type(value) in (int, float) and not name.startswith("_")}

    def finding(
        self,
        message: str,
        *,
        confidence: float,
        step: float | None = None,
        span: tuple[float, float] | None = None,
        severity: Severity | None = None,
        **evidence: float | int | str | bool | list[Any] | None,
    ) -> Finding:
        """This check's finding: ``confidence`` is the share of such findings that are right, 0 to 1."""
        return Finding(self.code, self.name, self.family, severity or self.severity, confidence, message, step, span, evidence)
