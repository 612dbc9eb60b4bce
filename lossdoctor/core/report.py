"""A report turns results into text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from lossdoctor.core.comparison import Comparison
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.ruling import Objection, Ruling
from lossdoctor.core.trial import Proof
from lossdoctor.core.unit import Unit


@dataclass(frozen=True)
class Page:
    """Where the text will be shown: its width in characters, and whether colour and Unicode are welcome there."""

    width: int = 80
    color: bool = False
    unicode: bool = True
    quiet: bool = False


@dataclass(frozen=True)
class Context:
    """What is known besides the diagnoses.

    ``comparison`` holds the runs against each other and against baselines, where there are several; ``rulings`` what the policy
    says, one for each diagnosis, or nothing where there is no policy; ``unread`` the logs that gave no run, each with the reason.
    """

    comparison: Comparison | None = None
    rulings: Sequence[Ruling] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


NO_CONTEXT = Context()


class Report(Unit):
    """Base of all reports: subclass it in ``reports/`` and the file is the registration.

    Everything that comes from a log is untrusted: a report escapes it for where it is going.
    """

    format: ClassVar[str]

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        """The report of ``lossdoctor diagnose`` and ``lossdoctor gate``."""
        raise NotImplementedError

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        """The report of ``lossdoctor probe``, with what the policy objects to."""
        raise NotImplementedError
