"""A report turns results into text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.trial import Proof
from lossdoctor.core.unit import Unit


@dataclass(frozen=True)
class Page:
    """Where the text will be shown: its width in characters, and whether colour and Unicode are welcome there."""

    width: int = 80
    color: bool = False
    unicode: bool = True
    quiet: bool = False


class Report(Unit):
    """Base of all reports: subclass it in ``reports/`` and the file is the registration.

    Everything that comes from a log is untrusted: a report escapes it for where it is going.
    """

    format: ClassVar[str]

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page) -> str:
        """The report of ``lossdoctor diagnose``."""
        raise NotImplementedError

    def proof(self, proof: Proof, page: Page) -> str:
        """The report of ``lossdoctor probe``."""
        raise NotImplementedError
