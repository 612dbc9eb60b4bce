"""What a policy asks of a run: goals to be reached, and what it objects to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.comparison import Comparison
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.discover import checks
from lossdoctor.core.errors import UsageError
from lossdoctor.core.ruling import Objection
from lossdoctor.core.run import Run
from lossdoctor.core.text import did_you_mean, listed, number, plain
from lossdoctor.core.wording import ordered, percent

UNHEALTHY = "unhealthy"  # the word for all statuses that are not healthy
RISING = (Severity.INFO, Severity.WARNING, Severity.ERROR)
SERIES = 8  # of a log that are named
EVALUATED = ("val", "test")  # splits of which a point is a measurement of all the data
PARTS = 20  # of a series of batches, over one of which a level must hold,
BATCHES = 21  # or over so many points, if these are fewer
GOAL = re.compile(r"([^<>=@]+?)\s*(<=?|>=?)\s*([-+\d.eE]+)(?:\s*@\s*(step|epoch)\s*([\d.eE+]+))?")


@dataclass(frozen=True)
class Goal:
    """A level that a series must have reached, ``val_loss<0.5@epoch 10``: by a step, by an epoch, or by the end.

    ``series`` is a label (``val_loss``) or the name of a column; the level is in the unit of the log. One validation that is there
    counts; what is logged batch by batch must be there for a while.
    """

    series: str
    relation: str
    level: float
    axis: str = ""
    place: float = float("inf")

    @classmethod
    def of(cls, text: str) -> Goal:
        """The goal that a text spells; ``UsageError`` says how to write one."""
        spelled = GOAL.fullmatch(text.strip())
        try:
            series, relation, level, axis, place = spelled.groups() if spelled else ()
            return cls(series, relation, float(level), axis or "", float(place or "inf"))
        except ValueError:
            raise UsageError(
                f"reach {text!r} is no goal; write one as 'val_loss<0.5', 'val_loss<0.5@epoch 10' or 'val_accuracy>=0.9@step 1000'"
            ) from None

    def __str__(self) -> str:
        return f"{self.series}{self.relation}{self.level:g}" + (f"@{self.axis} {self.place:g}" if self.axis else "")

    def broken_by(self, run: Run) -> str:
        """Why the run does not reach the goal; empty where it does."""
        curve = _series(run, self.series)
        if curve is None:
            return _lacks(run, self.series)
        places = curve.epoch if self.axis == "epoch" else curve.step
        if places is None:
            return "the log counts no epochs; give the goal in steps"
        in_time = curve.where(places <= self.place).finite
        if not len(in_time):
            return f"{self.series} has no value by {self.axis or 'its end'}{f' {self.place:g}' if self.axis else ''}"
        levels = _held(in_time)
        best = float(levels.min() if self.relation[0] == "<" else levels.max())
        met = {"<": best < self.level, "<=": best <= self.level, ">": best > self.level, ">=": best >= self.level}[self.relation]
        by = f" by {self.axis} {number(min(self.place, float(places[-1])))}" if self.axis else ""
        return "" if met else f"{self.series} came to {number(best)}{by}, and {self.relation} {number(self.level)} was asked for"


@dataclass(frozen=True)
class Policy:
    """What fails a run; each field is a key of ``[tool.lossdoctor.gate]`` and an option of ``lossdoctor gate``.

    ``fail_on``: a status it has, or a finding by the prefix of its code or by its severity. ``max_wasted``: the share of the
    run after the step at which it could have stopped. ``min_gain``: what the forecast must gain, in the unit of the metric or,
    with a ``%``, as a share of the value that is forecast; a run without a forecast passes. ``reach``: levels to be reached.
    ``require``: series that the log must have. ``baseline``: logs of healthy runs that it must not end worse than.
    """

    fail_on: tuple[str, ...] = ()
    max_wasted: float | None = None
    min_gain: str | None = None
    reach: tuple[Goal, ...] = ()
    require: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: Iterable[str]) -> Policy:
        """The policy that words like ``stalled``, ``LR001``, ``warning`` spell; ``UsageError`` names the nearest word."""
        return cls(fail_on=_words(words))

    def broken_by(self, status: Status, findings: Iterable[Finding], summary: str = "") -> Iterator[Objection]:
        """What ``fail_on`` objects to: the status, then findings."""
        statuses, codes, severities = _spelled(self.fail_on)
        if status in statuses:
            yield Objection(status.value, summary or f"The status is {status.value.replace('_', ' ')}.")
        for finding in findings:
            if finding.severity in severities or finding.code.startswith(codes):
                yield Objection(finding.code, finding.message)

    def objections(self, diagnosis: Diagnosis, comparison: Comparison | None = None) -> Iterator[Objection]:
        """All that the policy objects to in a run."""
        verdict, run, ahead = diagnosis.verdict, diagnosis.run, diagnosis.forecast
        yield from self.broken_by(diagnosis.status, diagnosis.findings, verdict.summary)
        wasted = verdict.wasted_fraction or 0.0
        if self.max_wasted is not None and wasted > self.max_wasted:
            after = f" after step {number(verdict.stop_step)}, where it could have stopped" if verdict.stop_step is not None else ""
            yield Objection("max_wasted", f"{percent(wasted)} of the run came{after}; {percent(self.max_wasted)} are allowed.")
        if self.min_gain and ahead and ahead.gain < (least := _least_gain(self.min_gain, ahead.value)):
            gain = f"{ahead.metric} is expected to gain {number(ahead.gain)} by step {number(round(ahead.at_step))}"
            yield Objection("min_gain", f"{gain}; {number(least)} were asked for.")
        for goal in self.reach:
            if why := goal.broken_by(run):
                yield Objection("reach", f"{goal}: {why}.", str(goal))
        for name in self.require:
            if _series(run, name) is None:
                yield Objection("require", f"{name}: {_lacks(run, name)}.", name)
        for judgement in comparison.judgements if comparison and self.baseline else ():
            if judgement.run is run and judgement.worse is not False:
                yield Objection("baseline", judgement.summary)


def _series(run: Run, name: str) -> Curve | None:
    """The series of this label, or from the column of this name."""
    labels = [label for label in run.curves if name in (label, run.columns.get(label))]
    return run.curves[labels[0]] if labels else None


def _held(curve: Curve) -> Floats:
    """The levels that a series came to: of validation each point, for that is a mean over all of the data and a checkpoint may be kept
    there; of a long series of single batches the medians of a twentieth of it, so that one lucky batch is no level."""
    window = 1 if curve.split in EVALUATED else max(1, min(BATCHES, len(curve) // PARTS))
    return np.median(np.lib.stride_tricks.sliding_window_view(curve.value, window), axis=1)


def _lacks(run: Run, name: str) -> str:
    return f"the log has no {plain(name)}; it has {listed(map(plain, ordered(run)), SERIES)}"


def _least_gain(asked: str, level: float) -> float:
    return float(asked.rstrip("% ")) / 100 * abs(level) if asked.endswith("%") else float(asked)


# --- the words of fail_on ----------------------------------------------------------------------------------------------


def _words(words: Iterable[str]) -> tuple[str, ...]:
    """The words, once they are known to mean something."""
    found = tuple(words)
    _spelled(found)
    return found


def _spelled(words: Iterable[str]) -> tuple[frozenset[Status], tuple[str, ...], frozenset[Severity]]:
    """The statuses, the prefixes of codes, and the severities that words mean; ``UsageError`` names the nearest word."""
    statuses: set[Status] = set()
    codes: list[str] = []
    severities: set[Severity] = set()
    for word in words:
        lower = word.lower().replace("-", "_")
        if lower == UNHEALTHY:
            statuses |= {status for status in Status if status.healthy is False}
        elif lower in set(Status):
            statuses.add(Status(lower))
        elif lower in RISING:
            severities |= set(RISING[RISING.index(Severity(lower)) :])
        elif word and any(check.code.startswith(word.upper()) for check in checks()):
            codes.append(word.upper())
        else:
            known = [UNHEALTHY, *map(str, Status), *map(str, RISING), *(check.code for check in checks())]
            hint = did_you_mean(lower, known) or "; `lossdoctor explain` lists the codes"
            raise UsageError(f"fail-on {word!r} is no status, code or severity{hint}")
    return frozenset(statuses), tuple(codes), frozenset(severities)
