"""Follow a training while it runs: look at its log again and again, say what changed, and stop it once it is beyond hope."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.errors import LossDoctorError, UnreadableLog
from lossdoctor.core.ruling import Objection
from lossdoctor.core.run import Run
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import percent, title
from lossdoctor.diagnose import diagnose
from lossdoctor.live.follow import Follower
from lossdoctor.live.stopping import Patience

LOOKS = 3  # in a row that must see a change before it is told,
GROWTH = 1.1  # times its length that the run must have grown to meanwhile
CERTAIN = 0.7  # confidence of a finding that is told
SHARE = 0.1  # of a processor that looking may take: the interval grows with the cost of a look
PACE = 60.0  # seconds of the past that the pace is measured over
FAILED = 1


class Training(Protocol):
    """What writes the log, where we have it in hand: a child process, or the other end of standard input."""

    @property
    def interrupted(self) -> bool:
        """Whether a signal has asked for its end."""

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within so many seconds."""

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended; None where there is none."""

    def stop(self) -> None:
        """End it."""


class View(Protocol):
    """Where people see what goes on."""

    def show(self, state: State) -> None:
        """After each look, as it is."""

    def say(self, line: str) -> None:
        """Something has changed, or happened."""


Alarm = Callable[[Diagnosis, Objection], None]


@dataclass(frozen=True)
class State:
    """What is known after a look: the diagnosis, or the trouble with the log; the pace in steps a second; what is wrong beyond doubt."""

    diagnosis: Diagnosis | None = None
    trouble: str = ""
    pace: float | None = None
    lasting: Objection | None = None
    certain: tuple[Finding, ...] = ()


class Watch:
    """One log under watch. ``look`` is all that happens at a time; ``run`` repeats it until there is no more to come."""

    def __init__(self, follower: Follower, view: View, patience: Patience, alarm: Alarm | None = None, name: str | None = None) -> None:
        self.name = name  # of a stream that is not a file; all of it is new to us
        self.follower, self.view, self.patience, self.alarm = follower, view, patience, alarm
        self.state = State(trouble=follower.trouble)
        self.news = News(None)
        self.pace = Pace()
        self.alarmed: str | None = None  # the objection that the alarm was rung for
        self.lengths: dict[tuple[str, str], tuple[float, int]] | None = {} if name else None  # of each run, at the look before
        self.changed = time.monotonic()  # when the log last grew
        self.has_grown = False  # since the first look
        self.costs = [0.0, 0.0]  # seconds of a processor that the last two looks took; the first of all loads what it needs

    def look(self) -> State:
        """Read what is new and judge it."""
        begin, spent = time.monotonic(), time.process_time()
        run, is_old = self._grown(self.follower.look())
        if run is None:
            self.state = State(self.state.diagnosis, self.follower.trouble, self.state.pace, self.state.lasting, self.state.certain)
        else:
            self.changed, self.has_grown = begin, not is_old
            self.state = self._judged(run, begin, is_old)
        self.view.show(self.state)
        self.costs = [self.costs[-1], time.process_time() - spent]
        return self.state

    def run(self, training: Training | None = None, *, interval: float = 2.0, until_idle: float | None = None, dry: bool = False) -> int:
        """Look until the training has ended, or the log has not grown for ``until_idle`` seconds; the exit code.

        A training that we have in hand is stopped on a verdict that lasts, unless ``dry``; then the code is 1, else its own.
        """
        while True:
            ended = training is not None and training.wait(0)
            state = self._careful_look() if training else self.look()
            idle = until_idle is not None and training is None and time.monotonic() - self.changed >= until_idle
            if ended or idle:
                code = training.code if training else None
                if state.diagnosis is None and code is None:
                    raise UnreadableLog(f"there was nothing to judge: {state.trouble}")
                if training and not self.has_grown and state.diagnosis:
                    self.view.say(f"{self.follower.path} has not grown since the training began; does it log elsewhere?")
                for line in self._last_words(state):
                    self.view.say(line)
                return code if code is not None else FAILED if state.lasting else 0
            if training and state.lasting and not dry and not training.interrupted:
                self.view.say(f"stops the training: {state.lasting.rule}: {plain(state.lasting.message)}")
                training.stop()
                return FAILED
            pause = max(interval, min(self.costs) / SHARE)
            if training:
                training.wait(pause)
            else:
                time.sleep(pause if until_idle is None else min(pause, max(self.changed + until_idle - time.monotonic(), 0.01)))

    def _last_words(self, state: State) -> list[str]:
        if state.diagnosis is not None:
            return self.news.at_end(state.diagnosis)
        is_ours = state.trouble != self.follower.trouble  # and was told when it happened
        return [] if is_ours else [f"there was nothing to judge: {plain(state.trouble)}"]

    def _careful_look(self) -> State:
        """A look that cannot fail: whatever is wrong with us, the training goes on."""
        try:
            return self.look()
        except Exception as error:
            what = str(error) if isinstance(error, LossDoctorError) else f"{type(error).__name__}: {error}"
            if what != self.state.trouble:
                self.view.say(f"cannot judge the log, the training goes on: {plain(what)}")
            self.state = State(trouble=what)
            return self.state

    def _grown(self, runs: Sequence[Run]) -> tuple[Run | None, bool]:
        """The last of the runs that have grown since the look before, and whether it is one that was there before we were."""
        before = self.lengths
        self.lengths = {(run.source, run.name): (run.steps, sum(run.series.values())) for run in runs}
        grown = [run for run in runs if not before or self.lengths[run.source, run.name] != before.get((run.source, run.name))]
        return (grown[-1] if grown else None), before is None

    def _judged(self, run: Run, now: float, is_old: bool) -> State:
        (diagnosis,) = diagnose(replace(run, source=self.name) if self.name else run)
        run = diagnosis.run
        if not self.news.is_of(run):
            self.news, self.pace = News(run), Pace()
        lasting = None if is_old else self.patience.lasting(diagnosis)
        for line in self.news.after(diagnosis):
            self.view.say(line)
        if lasting and lasting.rule != self.alarmed:
            self.view.say(f"{_place(run)}: beyond hope: {lasting.rule}: {plain(lasting.message)}")
            if self.alarm:
                self.alarm(diagnosis, lasting)
        self.alarmed = lasting.rule if lasting else None
        return State(diagnosis, "", self.pace.at(now, run.steps), lasting, self.news.certain(diagnosis))


class Pace:
    """Steps a second, over the last minute."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    def at(self, now: float, steps: float) -> float | None:
        """The pace, from the second look on."""
        self.seen = [(when, there) for when, there in self.seen if now - when <= PACE][-1000:] or self.seen[-1:]
        self.seen.append((now, steps))
        (begin, first), (end, last) = self.seen[0], self.seen[-1]
        return (last - first) / (end - begin) if end > begin and last > first else None


class News:
    """What is worth a line of one run: each status once it has lasted a little, each finding once it is certain."""

    def __init__(self, run: Run | None) -> None:
        self.key = (run.source, run.name) if run else None
        self.steps = 0.0
        self.told = ""  # the status,
        self.told_at = 0.0  # and the step that it was told at
        self.next = ("", 0.0, 0)  # the one that may be told next: its name, the step where it was first seen, the looks since
        self.looks: dict[str, int] = {}  # in a row that made a finding, by its code
        self.said: set[str] = set()  # the codes

    def is_of(self, run: Run) -> bool:
        """Whether this run is the same, and has not begun anew."""
        return self.key == (run.source, run.name) and run.steps >= self.steps

    def after(self, diagnosis: Diagnosis) -> list[str]:
        """The lines to say after a look."""
        run, lines = diagnosis.run, []
        self.steps = run.steps
        if self._is_new(diagnosis.status):
            self.told, self.told_at = diagnosis.status, run.steps
            lines.append(_line(diagnosis))
        self.looks = {finding.code: self.looks.get(finding.code, 0) + 1 for finding in diagnosis.findings}
        for finding in self.certain(diagnosis):
            if finding.code not in self.said:
                self.said.add(finding.code)
                lines.append(f"{_place(run)}: {finding.code} {finding.name} ({percent(finding.confidence)}): {plain(finding.message)}")
        return lines

    def at_end(self, diagnosis: Diagnosis) -> list[str]:
        """The last word: the status, where it was not said just now."""
        return [_line(diagnosis)] if (diagnosis.status, self.steps) != (self.told, self.told_at) else []

    def certain(self, diagnosis: Diagnosis) -> tuple[Finding, ...]:
        """The findings that several looks in a row have made, with confidence."""
        return tuple(
            finding
            for finding in diagnosis.findings
            if finding.confidence >= CERTAIN and finding.severity is not Severity.INFO and self.looks.get(finding.code, 0) >= LOOKS
        )

    def _is_new(self, status: str) -> bool:
        if status == self.told:
            self.next = ("", 0.0, 0)
            return False
        _, since, looks = self.next if self.next[0] == status else (status, self.steps, 0)
        self.next = (status, since, looks + 1)
        return not self.told or (looks + 1 >= LOOKS and self.steps >= GROWTH * since)


def _place(run: Run) -> str:
    return f"{title(run)}: step {number(run.steps)}"


def _line(diagnosis: Diagnosis) -> str:
    verdict = diagnosis.verdict
    return f"{_place(diagnosis.run)}: {verdict.status} ({percent(verdict.confidence)}): {plain(verdict.summary)}"
