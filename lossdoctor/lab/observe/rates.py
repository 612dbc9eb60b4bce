"""The range test: at which learning rates the loss falls, and whether the configured one does about as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.observation import RangeTest, ShortRun
from lossdoctor.lab.data import Batch
from lossdoctor.lab.fit import stream
from lossdoctor.lab.observe.budget import Clock, Range, affordable
from lossdoctor.lab.observe.common import EXAMPLES, examples, fresh, loss_of, measurement, seeds_of, step
from lossdoctor.lab.workload import Workload

SWEEP = Range(0.1, 60, 100)  # steps from the lowest rate to the highest (Smith 2017)
TRIED = Range(0.05, 20, 40)  # steps at a rate: whether one is too high shows at once
PACED = 40  # whether one is too low shows by its pace
LONGER = 4  # times as many at the configured rate where that seems too low: its pace may only be picking up
AROUND = (0.01, 10.0)  # times what the first seed suggests: the rates that further seeds are swept through
BETWEEN = (0.05, 0.3)  # times what a sweep suggests: a configured rate in between is in order, whether momentum lags or not
AT_MOST = 2.0  # times what a sweep suggests where momentum does not lag
FALLS = 0.05  # of the loss, at least, at a rate that is suggested
AS_FAR = 0.7  # of the fall at the suggested rate: a configured one that gets there is in order
HALF = 0.5  # of the loss at the start
ARRIVES = 0.67  # times the loss at the start, lost by the end of the training at the pace of its first steps
EVERYWHERE = (0.0, np.inf)
PAIRS = 2  # seeds with which the rates are swept and compared: trials are what proves

Array = NDArray[Any]


@dataclass(frozen=True)
class Swept:
    """The losses [rates] of a sweep, that at its start, and the two rates that they tell."""

    seed: int
    losses: Array
    start: float
    suggested: float
    limit: float


class Late(Exception):
    """The test takes far longer than its steps were to take."""


@measurement
def range_test(workload: Workload, run: ShortRun) -> RangeTest | None:
    """Sweep the rate of the configured optimizer; None where a step is too slow, or the loss falls at no rate.

    What the short ``run`` at the configured rate shows is not asked again: where the loss falls by half, no rate can do twice as
    well, and where it falls enough to arrive by the end of the training, only lower rates are swept. Where the configured rate lies
    apart from the suggested one, a few steps at each are compared, more at one that seems too low, and where the suggested one does
    better, further seeds are asked.
    """
    lr = workload.config.training.optimizer.lr
    fell = _fall(run)
    if fell > HALF:
        none = np.zeros(0)
        return RangeTest(none, np.zeros((0, 0)), np.array([lr]), np.array([lr]), none, none, none, len(run.norms), len(run.norms))
    rates = np.geomspace(min(1e-6, lr / 10), max(10.0, lr * 10), SWEEP.of(workload))
    if affordable(workload) < len(rates):
        return None
    try:
        arrives = fell * workload.steps > ARRIVES * len(run.norms)
        window = (lr / 1000, 3 * lr) if arrives else EVERYWHERE
        return _asked(Runs(workload, rates, examples(workload, EXAMPLES // 2)), lr, window)
    except Late:
        return None


@dataclass(frozen=True)
class Runs:
    """Short trainings whose rate rises through ``rates``, or stays; judged on a batch of their own."""

    workload: Workload
    rates: Array
    batch: Batch
    clock: Clock = field(default_factory=Clock)

    def swept(self, seed: int, window: tuple[float, float]) -> Swept | None:
        """What a sweep of the rates in a window suggests; None where the loss falls at none of them."""
        losses = self._sweep(seed, *window)
        read = _read(self.rates, losses)
        return Swept(seed, losses, float(losses[np.isfinite(losses)][0]), *read) if read else None

    def _sweep(self, seed: int, low: float, high: float) -> Array:
        """The losses before each step of a training whose rate rises from ``low`` to ``high``; NaN outside, and after it has blown up."""
        model = fresh(self.workload, seed)
        optimizer = self.workload.optimizer(model)
        losses = np.full(len(self.rates), np.nan)
        among = np.flatnonzero((self.rates >= low) & (self.rates <= high))
        for count, (place, data) in enumerate(zip(among, stream(self.workload, seed, len(among)), strict=True)):
            loss = self._judged(model)
            if not np.isfinite(loss):
                break
            losses[place] = loss
            if loss > 4 * max(np.nanmin(losses), 0.25 * losses[among[0]]) + 1e-12:
                break
            for group in optimizer.param_groups:
                group["lr"] = float(self.rates[place])
            step(self.workload, model, optimizer, data, count)
        return losses

    def after(self, seed: int, rate: float, steps: int) -> float:
        """The median loss over the last quarter of a short training at a rate; infinite where it blew up."""
        model = fresh(self.workload, seed)
        optimizer = self.workload.optimizer(model)
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses = []
        for place, data in enumerate(stream(self.workload, seed, steps)):
            step(self.workload, model, optimizer, data, place)
            losses.append(self._judged(model))
            if not np.isfinite(losses[-1]):
                return float("inf")
        return float(np.median(losses[-steps // 4 :]))

    def _judged(self, model: Any) -> float:
        if self.clock.late:
            raise Late
        return loss_of(self.workload, model, self.batch)


def _fall(run: ShortRun) -> float:
    """The share of its loss that a short training has lost over its last quarter of steps; 0 where it blew up or is below zero."""
    late = float(np.median(run.losses[-max(len(run.losses) // 4, 1) :]))
    return 1 - late / float(run.losses[0]) if np.isfinite(run.losses).all() and run.losses[0] > 0 and late >= 0 else 0.0


def _asked(runs: Runs, lr: float, window: tuple[float, float]) -> RangeTest | None:
    """One sweep, and as much of a comparison with other seeds as it leaves in doubt."""
    seeds = list(seeds_of(runs.workload))
    first = runs.swept(seeds[0], window) or runs.swept(seeds[1], EVERYWHERE)
    if first is None:
        return None
    if BETWEEN[0] * first.suggested < lr < BETWEEN[1] * first.suggested:
        return _told(runs, [first])
    too_low = lr < BETWEEN[1] * first.suggested
    steps = slow = PACED if too_low else TRIED.of(runs.workload)
    lag, proposed = 1.0, runs.after(first.seed, first.suggested, steps)
    if not too_low or proposed > (1 - FALLS) * first.start:  # momentum lags behind a sweep: it falls steepest where it soon blows up
        slower = runs.after(first.seed, 0.1 * first.suggested, steps)
        if first.start - proposed <= AS_FAR * (first.start - slower):
            lag, proposed = 0.1, slower
    if BETWEEN[0] * lag * first.suggested < lr < AT_MOST * lag * first.suggested:
        return _told(runs, [first], lag)
    enough = first.start - AS_FAR * (first.start - proposed)
    configured = runs.after(first.seed, lr, slow)
    if too_low and configured >= enough and runs.workload.steps > steps:
        slow = min(LONGER * steps, runs.workload.steps)
        configured = runs.after(first.seed, lr, slow)
    pairs, others = [(configured, proposed)], list[Swept]()
    if configured >= enough:
        around = (AROUND[0] * first.suggested, AROUND[1] * first.suggested)
        swept = (runs.swept(seed, around) for seed in seeds if seed != first.seed)
        others = list(islice(filter(None, swept), PAIRS - 1))
        pairs += [(runs.after(o.seed, lr, slow), runs.after(o.seed, lag * o.suggested, steps)) for o in others]
    return _told(runs, [first, *others], lag, pairs, (slow, steps))


def _told(
    runs: Runs, sweeps: list[Swept], lag: float = 1.0, pairs: Sequence[tuple[float, float]] = (), steps: tuple[int, int] = (0, 0)
) -> RangeTest:
    return RangeTest(
        runs.rates,
        np.array([sweep.losses for sweep in sweeps]),
        lag * np.array([sweep.suggested for sweep in sweeps]),
        np.array([sweep.limit for sweep in sweeps]),
        np.array([sweep.start for sweep in sweeps[: len(pairs)]]),
        np.array([configured for configured, _ in pairs]),
        np.array([proposed for _, proposed in pairs]),
        *steps,
    )


def _read(rates: Array, losses: Array) -> tuple[float, float] | None:
    """The rate of steepest descent and the one at which the loss is lowest; None where it never fell.

    A shorter sweep comes as far only at higher rates; what it finds is brought down to what one of full length would find.
    """
    known = np.isfinite(losses)
    x, y = np.log10(rates[known]), losses[known]
    if len(y) < 10:
        return None
    smooth = np.convolve(np.pad(y, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    bottom = int(np.argmin(smooth))
    if bottom < 3 or smooth[0] - smooth[bottom] < 0.02 * abs(smooth[0]):
        return None
    steepest = int(np.argmin(np.gradient(smooth[: bottom + 1], x[: bottom + 1])))
    shorter = len(rates) / SWEEP.most
    return shorter * float(10 ** x[steepest]), shorter * float(10 ** x[bottom])
