"""What a policy says of a run."""

from __future__ import annotations

from dataclasses import dataclass

from lossdoctor.core.diagnosis import Diagnosis


@dataclass(frozen=True)
class Objection:
    """Something that a policy does not let pass.

    ``rule`` is what is named in the policy: a status (``stalled``), a code (``LR001``) or a key (``max_wasted``, ``reach``);
    ``message`` says in a sentence what broke it, ``subject`` what was asked for where a key can ask for several things.
    """

    rule: str
    message: str
    subject: str = ""


@dataclass(frozen=True)
class Ruling:
    """A run and all that the policy objects to in it; it passes where that is nothing."""

    diagnosis: Diagnosis
    objections: tuple[Objection, ...] = ()

    @property
    def failed(self) -> bool:
        return bool(self.objections)
