"""What is said about several runs together: which is better beyond noise, where they part, and how they stand to healthy runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossdoctor.core.run import Run


@dataclass(frozen=True)
class Standing:
    """One run among several, by the level it ends at (in the unit of the log), against the run that ends best.

    ``behind`` is how much worse it ends, ``margin`` how much two seeds of one recipe may differ there: ``differs`` says
    whether the one is over the other. ``parted_at`` is the place on the common axis from which on the two differ, None
    where they do not or where it cannot be told. ``shared_at`` is where the shorter of the two ends, ``shared_behind`` how
    much worse it was there, ``shared_differs`` whether by more than that margin; None where both are equally long.
    """

    run: Run
    level: float
    ended_at: float
    behind: float = 0.0
    margin: float = 0.0
    differs: bool = False
    parted_at: float | None = None
    shared_at: float | None = None
    shared_behind: float | None = None
    shared_differs: bool | None = None


@dataclass(frozen=True)
class Judgement:
    """A run against baselines: healthy runs of what should be the same.

    ``level`` is what it ends at and ``limit`` the worst level that a seed of the baselines could end at. ``reached_at`` is
    where it reached ``target``, a level that all baselines reached, None where it never did; ``deadline`` the latest place
    at which a seed of theirs could. ``worse`` and ``slower`` are None where that cannot be told; ``summary`` says why.
    ``changed`` holds the logged settings that differ from the first baseline, its value first.
    """

    run: Run
    metric: str = ""
    axis: str = ""
    level: float | None = None
    expected: float | None = None
    limit: float | None = None
    worse: bool | None = None
    target: float | None = None
    reached_at: float | None = None
    deadline: float | None = None
    slower: bool | None = None
    changed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True)
class Comparison:
    """Several runs by one metric, best first; ``left_out`` holds the runs that are not among them, each with the reason.

    ``axis`` is ``step``, ``epoch`` or ``share`` (of the run, where the logs count differently). ``changed`` holds the logged
    settings that differ, with the value in each run, in the order in which the runs were given; None where it is not logged.
    """

    runs: tuple[Run, ...]
    metric: str = ""
    axis: str = ""
    higher_is_better: bool = False
    standings: tuple[Standing, ...] = ()
    left_out: tuple[tuple[Run, str], ...] = ()
    changed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    judgements: tuple[Judgement, ...] = ()
    summary: str = ""

    @property
    def best(self) -> tuple[Run, ...]:
        """The run that ends best, and those that do not differ from it beyond noise."""
        return tuple(each.run for each in self.standings if not each.differs)
