"""Several runs together: which is better beyond noise, where they part, what changed; and a run against healthy ones.

What two trainings of one recipe differ by, seed to seed, is not to be seen in a single log. It is estimated from its noise and
its fall, by constants fitted on trainings repeated with other seeds (``benchmarks/compare.py`` prints how well they hold on
tasks and nets they were not fitted on); several baselines show it themselves, and the two estimates are pooled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np

from lossdoctor.core import discover, names
from lossdoctor.core.comparison import Comparison, Judgement, Standing
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape, shape
from lossdoctor.core.signals import Signals
from lossdoctor.core.statistics import student
from lossdoctor.core.text import number
from lossdoctor.core.wording import title

ENOUGH = 6  # points that a series needs to be compared
TAIL = 0.01  # of seeds of one recipe that may end so much worse, or so much better
OF_SCALE = 0.05  # of `scale`, the standard deviation between seeds; fitted on the development part of benchmarks/compare.py
OF_RISE = 0.2  # of the rise since the best level: how far a run overfits varies by seed; fitted likewise
FREEDOM = 4.0  # degrees of freedom that this estimate is worth; fitted likewise
OF_TIME = 0.2  # standard deviation between seeds of the logarithm of the place at which a level is reached; fitted likewise
GAINED = 0.9  # share of the fall after which a baseline counts as there
BINS = 64  # in which two runs are laid beside each other
LASTING = 0.1  # share of the common stretch for which runs that part stay apart
SAME = 0.02  # relative: two runs are as long, or an epoch has as many steps
HIGHER = ("reward", "val_accuracy", "val_balanced_accuracy", "train_accuracy")
ORDER = ("reward", "val_loss", "val_accuracy", "val_balanced_accuracy", "train_loss", "train_accuracy", "judged_loss")


@dataclass(frozen=True)
class Track:
    """A series of a run, turned so that lower is better, on the axis that it shares with others; ``finite`` are its numbers."""

    run: Run
    curve: Curve
    sign: float

    @cached_property
    def finite(self) -> Curve:
        return self.curve.finite

    @cached_property
    def shape(self) -> Shape:
        return shape(self.finite)

    @property
    def blew_up(self) -> bool:
        return not np.isfinite(self.curve.last)

    @property
    def end(self) -> float:
        """The level at the end; infinite where the run blew up."""
        return np.inf if self.blew_up else self.shape.end

    @property
    def lowest(self) -> float:
        """What nearly all points of the last third lie above: a loss that swings comes down to it now and then."""
        return np.inf if self.blew_up else float(np.quantile(self.finite.tail(1 / 3).value, 0.05))

    @property
    def last(self) -> float:
        return float(self.curve.step[-1])

    @cached_property
    def scale(self) -> float:
        """What the spread between seeds grows with: the geometric mean of what was gained and what is left to gain.

        A loss that is never negative can come down to 0 and an accuracy up to 1; of others what is left is not known.
        """
        fall, end = self.shape.fall, self.shape.end
        left = 1 + end if "accuracy" in self.curve.label else end if self.finite.min >= 0 else fall
        return float(np.sqrt(fall * max(left, 0.0)))

    @property
    def spread(self) -> float:
        """Standard deviation of the level at the end between seeds of this recipe, as far as one log tells."""
        return float(np.linalg.norm([self.shape.error, OF_SCALE * self.scale, OF_RISE * self.shape.rise]))

    def until(self, place: float) -> Track:
        return replace(self, curve=self.curve.until(place))


def compare(runs: Sequence[Run], baselines: Sequence[Run] = ()) -> Comparison:
    """Rank the runs by what all of them log, validation before training, and judge each against the baselines."""
    measured = [_measured(run) for run in runs]
    several = _several(measured) if len(runs) > 1 else Comparison(tuple(runs))
    healthy = [_measured(run) for run in baselines]
    judgements = tuple(_judge(each, healthy) for each in measured) if healthy else ()
    summary = judgements[0].summary if len(judgements) == 1 else several.summary
    return replace(several, judgements=judgements, summary=summary)


# --- several runs ------------------------------------------------------------------------------------------------------


def _several(measured: Sequence[Measured]) -> Comparison:
    runs = [each.run for each in measured]
    tracks, left_out = _tracks(measured)
    changed = _changed(runs)
    if len(tracks) < 2:
        why = "; ".join(dict.fromkeys(f"{title(run)}: {reason}" for run, reason in left_out[:3]))
        return Comparison(tuple(runs), left_out=left_out, changed=changed, summary=f"The runs cannot be compared. {why}")
    axis, tracks = _aligned(tracks)
    tracks.sort(key=lambda track: track.end)
    width = _width(len(tracks))
    standings = tuple(_standing(track, tracks[0], axis, width) for track in tracks)
    found = Comparison(
        tuple(runs),
        metric=tracks[0].curve.label,
        axis=axis,
        higher_is_better=tracks[0].sign < 0,
        standings=standings,
        left_out=left_out,
        changed=changed,
    )
    return replace(found, summary=_summary(found))


def _width(count: int) -> float:
    """What two of ``count`` seeds of one recipe may differ by, in standard deviations of the one estimate for all of them.

    Student's t for how little is known of that deviation, widened by what Bonferroni asks of a normal distribution: the best of
    many is the luckiest.
    """
    normal = NormalDist()
    pairs = count * (count - 1) / 2
    return student(TAIL, FREEDOM) * normal.inv_cdf(1 - TAIL / pairs) / normal.inv_cdf(1 - TAIL)


def _standing(track: Track, best: Track, axis: str, width: float) -> Standing:
    """A run against the one that ends best."""
    plain_level = track.sign * track.end if not track.blew_up else float("nan")
    if track is best:
        return Standing(track.run, plain_level, track.last, margin=_margin(track, track, width))
    behind, margin = track.end - best.end, _margin(track, best, width)
    never_near = track.lowest - best.end > width * float(np.sqrt(2)) * best.spread
    found = Standing(track.run, plain_level, track.last, behind, margin, differs=behind > margin or never_near)
    shared = min(track.last, best.last)
    if axis != "share" and max(track.last, best.last) > (1 + SAME) * shared:
        ours, theirs = track.until(shared), best.until(shared)
        if min(len(ours.finite), len(theirs.finite)) >= ENOUGH and not ours.blew_up:
            gap = ours.end - theirs.end
            found = replace(found, shared_at=shared, shared_behind=gap, shared_differs=abs(gap) > _margin(ours, theirs, width))
    if axis != "share" and (found.differs or found.shared_differs):
        found = replace(found, parted_at=_parting(track, best, width))
    return found


def _margin(a: Track, b: Track, width: float) -> float:
    """What the ends of two seeds of one recipe may differ by."""
    return width * float(np.hypot(a.spread, b.spread))


def _parting(a: Track, b: Track, width: float) -> float | None:
    """The place from which on two runs differ beyond noise for a lasting stretch; None where there is no such.

    Both are laid out in bins over the stretch that they share. What is allowed between them is what may lie between their ends,
    and what either of them changes from one bin to the next: a seed that learns a little later is no other run.
    """
    low, high = max(a.finite.step[0], b.finite.step[0]), min(a.last, b.last)
    shortest = min(int(((t.finite.step >= low) & (t.finite.step <= high)).sum()) for t in (a, b))
    count = min(BINS, shortest)
    if count < ENOUGH:
        return None
    edges = np.linspace(low, high, count + 1)
    ours, theirs = (_binned(t.finite, edges) for t in (a, b))
    noise = np.hypot(a.shape.noise, b.shape.noise)
    drift = np.maximum(_drift(ours), _drift(theirs))
    allowed = np.hypot(width * np.hypot(noise, OF_SCALE * max(a.scale, b.scale)), drift)
    apart = np.where(np.abs(ours - theirs) > allowed, np.sign(ours - theirs), 0.0)
    needed = max(2, round(LASTING * count))
    for start in range(count - needed + 1):
        if apart[start] and (apart[start : start + needed] == apart[start]).all():
            return float(edges[start])
    if a.blew_up or b.blew_up:
        return float(min(t.curve.step[~np.isfinite(t.curve.value)][0] for t in (a, b) if t.blew_up))
    return None


def _binned(curve: Curve, edges: Floats) -> Floats:
    """Medians of the points between the edges; an empty bin gets what lies between its neighbours. [n + 1] -> [n]."""
    place = np.clip(np.searchsorted(edges, curve.step, side="right") - 1, 0, len(edges) - 2)
    inside = (curve.step >= edges[0]) & (curve.step <= edges[-1])
    medians = np.array([np.median(found) if len(found := curve.value[inside & (place == i)]) else np.nan for i in range(len(edges) - 1)])
    known = np.isfinite(medians)
    filled: Floats = np.interp(np.arange(len(medians)), np.flatnonzero(known), medians[known])
    return filled


def _drift(values: Floats) -> Floats:
    """How far a binned curve moves between the bins around each."""
    change: Floats = 2 * np.abs(np.gradient(values))
    return change


# --- against baselines -------------------------------------------------------------------------------------------------


def judge(run: Run, baselines: Sequence[Run]) -> Judgement:
    """A run against healthy runs of what should be the same: the level it ends at, and when it was nearly there.

    The standard deviation between seeds is pooled from what one log tells, worth ``FREEDOM`` degrees of freedom, and from the
    spread of the baselines. Smyth 2004, Linear models and empirical Bayes methods (the moderated t).
    """
    return _judge(_measured(run), [_measured(each) for each in baselines])


def _judge(measured: Measured, baselines: Sequence[Measured]) -> Judgement:
    run = measured.run
    tracks, left_out = _tracks([measured, *baselines], must=measured)
    ours = [track for track in tracks if track.run is run]
    theirs = [track for track in tracks if track.run is not run]
    changed = _changed([baselines[0].run, run])
    if not ours or not theirs:
        reasons = "; ".join(dict.fromkeys(f"{title(each)}: {reason}" for each, reason in left_out[:3]))
        return Judgement(run, changed=changed, summary=f"{title(run)} cannot be compared with the baseline. {reasons}")
    axis, (track, *healthy) = _aligned([*ours, *theirs])
    found = Judgement(run, track.curve.label, axis, changed=changed)
    found = _judge_pace(_judge_level(found, track, healthy), track, healthy)
    return replace(found, summary=_verdict(found, track))


def _judge_level(found: Judgement, track: Track, healthy: Sequence[Track]) -> Judgement:
    """The end of the run against where the baselines were by then."""
    by_then = [each.until(track.last) for each in healthy] if found.axis != "share" else list(healthy)
    if min(len(each.finite) for each in by_then) < ENOUGH:
        return found
    ends = np.array([each.shape.end for each in by_then])
    prior = float(np.sqrt(np.mean([each.spread**2 for each in by_then])))
    limit = _limit(ends, prior, 0.0 if track.blew_up else track.shape.error)
    level = float("nan") if track.blew_up else track.sign * track.end
    return replace(found, level=level, expected=track.sign * float(ends.mean()), limit=track.sign * limit, worse=bool(track.end > limit))


def _judge_pace(found: Judgement, track: Track, healthy: Sequence[Track]) -> Judgement:
    """When the run reached a level that every baseline reached."""
    if found.axis == "share":
        return found
    target = max(each.shape.start - GAINED * (each.shape.start - each.shape.end) for each in healthy)
    places = [place for each in healthy if (place := reached(each, target)) is not None and place > 0]
    if not places or min(each.shape.fall for each in healthy) <= 0:
        return found
    deadline = float(np.exp(_limit(np.log(places), OF_TIME, 0.0))) + max(_spacing(each) for each in (track, *healthy))
    at = reached(track, target)
    late = at is None or at > deadline
    slower = None if at is None and track.last < deadline else late
    return replace(found, target=track.sign * target, reached_at=at, deadline=deadline, slower=slower)


def _limit(values: Floats, prior: float, error: float) -> float:
    """The upper end of what another seed would give, from a few of them and a prior standard deviation."""
    n = len(values)
    own = float(values.var(ddof=1)) if n > 1 else 0.0
    freedom = FREEDOM + n - 1
    pooled = (FREEDOM * prior**2 + (n - 1) * own) / freedom
    return float(values.mean()) + student(TAIL, freedom) * float(np.sqrt(pooled * (1 + 1 / n) + error**2))


def reached(track: Track, level: float) -> float | None:
    """The first place at which the running median of a track, in at most 256 bins, is at ``level`` or better."""
    binned = track.shape.curve
    smooth = binned.smooth(1 if len(binned) < 12 else 5)
    there = np.flatnonzero(smooth.value <= level)
    return float(smooth.step[there[0]]) if len(there) else None


def _spacing(track: Track) -> float:
    return float(np.median(np.diff(track.shape.curve.step)))


# --- what can be laid beside what --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """The series that a run can be compared by, by label; ``signals`` names the signal that gave each."""

    run: Run
    tracks: Mapping[str, Track]
    signals: Mapping[str, str]


def _measured(run: Run) -> Measured:
    signals = Signals(discover.signals(), run=run)
    tracks: dict[str, Track] = {}
    given: dict[str, str] = {}
    for name in ORDER:
        curve = signals.get(name)
        if curve is None or len(curve.finite) < ENOUGH or curve.label in tracks:
            continue
        sign = -1.0 if name in HIGHER else signals.get("judged_sign") if name == "judged_loss" else 1.0
        turned = replace(curve, value=-curve.value) if name in HIGHER else curve
        tracks[curve.label], given[curve.label] = Track(run, turned, sign), name
    return Measured(run, tracks, given)


def _tracks(found: Sequence[Measured], must: Measured | None = None) -> tuple[list[Track], tuple[tuple[Run, str], ...]]:
    """By the best metric that all runs have, else most of them (and ``must``, always); and the others, each with the reason."""
    labels = dict.fromkeys(label for name in ORDER for each in found for label in each.tracks if each.signals[label] == name)
    usable = [label for label in labels if must is None or label in must.tracks]
    if not usable:
        return [], tuple((each.run, _lacking(each.run, "")) for each in found)
    label = max(usable, key=lambda label: sum(label in each.tracks for each in found))
    kind = _kind((must or next(each for each in found if label in each.tracks)).run, label)
    tracks, left_out = [], []
    for each in found:
        if label not in each.tracks:
            left_out.append((each.run, _lacking(each.run, label)))
        elif (other := _kind(each.run, label)) != kind:
            left_out.append((each.run, f"its {label} is {' '.join(other) or 'a loss'} and that of the others {' '.join(kind) or 'a loss'}"))
        else:
            tracks.append(each.tracks[label])
    return tracks, tuple(left_out)


def _kind(run: Run, label: str) -> tuple[str, ...]:
    """What a label stands for in this log, where the name of its column says: a loss may be mse in one and rmse in another."""
    role = names.recognise(run.columns.get(label, ""))
    measure = role.metric if role is not None and label.endswith("loss") and role.metric != "loss" else ""
    asked = run.settings.get("training.loss", "") if label.endswith("loss") else ""
    return tuple(filter(None, (measure, str(asked))))


def _lacking(run: Run, label: str) -> str:
    curve = run.curves.get(label)
    if curve is not None:
        return f"it has {len(curve.finite)} points of {label} and {ENOUGH} are needed"
    return f"it has no {label}" if label else f"no series of it has the {ENOUGH} points that are needed, or none that the others have too"


def _aligned(tracks: list[Track]) -> tuple[str, list[Track]]:
    """The axis that all logs share, and the tracks on it: steps, else epochs, else the share of each run that has passed.

    Steps are no common measure where an epoch has not the same number of them: the batch size differs.
    """
    epochs = [_epochs(track.curve) for track in tracks]
    in_epochs = [
        each is not None and np.array_equal(track.curve.step, np.asarray(track.curve.epoch))
        for each, track in zip(epochs, tracks, strict=True)
    ]
    known = [each for each in epochs if each is not None]
    if len(known) == len(tracks):
        paces = [track.last / max(float(each[-1]), 1e-9) for track, each in zip(tracks, known, strict=True)]
        if any(in_epochs) or max(paces) > (1 + SAME) * min(paces):
            return "epoch", [_on(track, each) for track, each in zip(tracks, known, strict=True)]
    if not any(in_epochs):
        return "step", tracks
    return "share", [_on(track, track.curve.step / max(track.last, 1e-9)) for track in tracks]


def _epochs(curve: Curve) -> Floats | None:
    """The epochs that had passed at each point; whole numbers that repeat are spread over their epoch."""
    if curve.epoch is None or not np.isfinite(curve.epoch).all() or (np.diff(curve.epoch) < 0).any():
        return None
    epoch = curve.epoch
    if not (epoch == np.round(epoch)).all():
        return epoch
    numbers, first, counts = np.unique(epoch, return_index=True, return_counts=True)
    within = (np.arange(len(epoch)) - np.repeat(first, counts) + 1) / np.repeat(counts, counts)
    return np.repeat(numbers - (numbers[0] > 0), counts) + within


def _on(track: Track, places: Floats) -> Track:
    return replace(track, curve=replace(track.curve, step=places))


def _changed(runs: Sequence[Run]) -> dict[str, tuple[Any, ...]]:
    """The logged settings that differ among the runs that log them, with the value in each run."""
    logged = [run.config for run in runs]
    keys = dict.fromkeys(key for settings in logged for key in settings)
    values = {key: tuple(settings.get(key) for settings in logged) for key in keys}
    return {key: found for key, found in values.items() if len({_rounded(value) for value in found if value is not None}) > 1}


def _rounded(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)


# --- in words ----------------------------------------------------------------------------------------------------------


def _summary(found: Comparison) -> str:
    first, *others = found.standings
    levels = f"{found.metric} {number(first.level)}"
    if len(found.best) == len(found.standings):
        span = f"{levels} to {number(others[-1].level)}" if len(others) > 1 else f"{levels} and {number(others[0].level)}"
        parts = [f"No difference beyond noise: {span} at the end, where two seeds of one recipe may differ by {number(others[-1].margin)}."]
    elif len(others) == 1:
        parts = [f"{title(first.run)} is better beyond noise: {levels} against {_level(others[0])} at the end."]
    elif len(found.best) == 1:
        parts = [f"{title(first.run)} is better than all others beyond noise: {levels} at the end."]
    else:
        rest = f"{len(found.best) - 1} of the other {len(others)} {'is' if len(found.best) == 2 else 'are'}"
        parts = [f"{title(first.run)} ends best, {levels}; {rest} no worse beyond noise."]
    if len(others) == 1:
        parts += _shared(found, others[0])
    return " ".join(parts)


def _shared(found: Comparison, other: Standing) -> Iterable[str]:
    if other.shared_at is not None:
        place = _place(found.axis, other.shared_at)
        how = "they do not differ" if not other.shared_differs else f"it was {'ahead' if (other.shared_behind or 0) > 0 else 'behind'}"
        yield f"At {place}, where the shorter one ends, {how}{' beyond noise' if not other.shared_differs else ''}."
    if other.parted_at is not None:
        yield f"They part at {_place(found.axis, other.parted_at)}."
    if found.axis == "share":
        yield "One log counts steps and the other epochs, so where they part cannot be told."


def _level(standing: Standing) -> str:
    return number(standing.level) if np.isfinite(standing.level) else "NaN or infinity"


def _place(axis: str, value: float) -> str:
    return f"{axis} {number(round(value) if axis == 'step' else round(value, 1))}"


def _verdict(found: Judgement, track: Track) -> str:
    name = title(found.run)
    parts = []
    if found.worse is None:
        parts.append(f"{name} ends before the baseline has {ENOUGH} points of {found.metric}, too early to judge it.")
    else:
        how = "is worse than the baseline" if found.worse else "is no worse than the baseline"
        ends = "ends in NaN or infinity" if track.blew_up else f"ends at {found.metric} {number(found.level or 0.0)}"
        parts.append(f"{name} {how}: it {ends}, and a seed of the baseline may end at {number(found.limit or 0.0)}.")
    if found.slower and found.target is not None and found.deadline is not None:
        when = "never came" if found.reached_at is None else f"came only at {_place(found.axis, found.reached_at)}"
        parts.append(f"It {when} to {number(found.target)}, where a seed of the baseline is by {_place(found.axis, found.deadline)}.")
    return " ".join(parts)
