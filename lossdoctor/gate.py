"""When a run fails: the policy, where it is declared, and the ruling on each run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.comparison import Comparison
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.discover import checks
from lossdoctor.core.errors import BadConfig, UsageError
from lossdoctor.core.ruling import Objection, Ruling
from lossdoctor.core.run import Run
from lossdoctor.core.text import did_you_mean, listed, number, plain
from lossdoctor.core.wording import ordered, percent, title

UNHEALTHY = "unhealthy"  # the word for all statuses that are not healthy
RISING = (Severity.INFO, Severity.WARNING, Severity.ERROR)
SERIES = 8  # of a log that are named
EVALUATED = ("val", "test")  # splits of which a point is a measurement of all the data
PARTS = 20  # of a series of batches, over one of which a level must hold,
BATCHES = 21  # or over so many points, if these are fewer
FILES = ("lossdoctor.toml", "pyproject.toml")  # the first that a folder has is the one that counts
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


DEFAULT = Policy(fail_on=(UNHEALTHY,))


def gate(diagnoses: Sequence[Diagnosis], policy: Policy, comparison: Comparison | None = None) -> list[Ruling]:
    """Rule on each run; ``comparison`` holds what the baselines say."""
    return [Ruling(each, tuple(policy.objections(each, comparison))) for each in diagnoses]


def line(ruling: Ruling) -> str:
    """``FAIL  run.csv  stalled (0.93): It is flat since step 1200. LR001 It swings.``"""
    run, verdict = ruling.diagnosis.run, ruling.diagnosis.verdict
    others = [f"{each.rule} {each.message}" for each in ruling.objections if each.rule != verdict.status]
    reason = plain(" ".join([verdict.summary, *others]))
    return f"{'FAIL' if ruling.failed else 'pass'}  {title(run)}  {verdict.status} ({number(verdict.confidence)}): {reason}"


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


# --- where a policy is declared ----------------------------------------------------------------------------------------


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
    "fail_on": lambda key, value: _words(_texts(key, value)),
    "max_wasted": _share,
    "min_gain": _gain,
    "reach": lambda key, value: tuple(Goal.of(text) for text in _texts(key, value)),
    "require": _texts,
    "baseline": _texts,
}
