"""A run against healthy runs of what should be the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lossdoctor.compare import words
from lossdoctor.compare.ranking import TAIL
from lossdoctor.compare.settings import changed_settings
from lossdoctor.compare.tracks import ENOUGH, FREEDOM, Measured, Track, aligned, shared_tracks
from lossdoctor.core.comparison import Judgement
from lossdoctor.core.curve import Floats
from lossdoctor.core.statistics import student
from lossdoctor.core.wording import title

OF_TIME = 0.2  # standard deviation between seeds of the logarithm of the place at which a level is reached; fitted as in tracks.py
GAINED = 0.9  # share of the fall after which a baseline counts as there


def judge(measured: Measured, baselines: Sequence[Measured]) -> Judgement:
    """The level that a run ends at, and when it was nearly there, against the baselines.

    The standard deviation between seeds is pooled from what one log tells, worth ``FREEDOM`` degrees of freedom, and from the
    spread of the baselines. Smyth 2004, Linear models and empirical Bayes methods (the moderated t).
    """
    run = measured.run
    tracks, left_out = shared_tracks([measured, *baselines], must=measured)
    ours = [track for track in tracks if track.run is run]
    theirs = [track for track in tracks if track.run is not run]
    changed = changed_settings([baselines[0].run, run])
    if not ours or not theirs:
        reasons = "; ".join(dict.fromkeys(f"{title(each)}: {reason}" for each, reason in left_out[:3]))
        return Judgement(run, changed=changed, summary=f"{title(run)} cannot be compared with the baseline. {reasons}")
    axis, (track, *healthy) = aligned([*ours, *theirs])
    found = Judgement(run, track.curve.label, axis, changed=changed)
    found = _judge_pace(_judge_level(found, track, healthy), track, healthy)
    return replace(found, summary=words.verdict(found, track))


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
    places = [place for each in healthy if (place := _reached(each, target)) is not None and place > 0]
    if not places or min(each.shape.fall for each in healthy) <= 0:
        return found
    deadline = float(np.exp(_limit(np.log(places), OF_TIME, 0.0))) + max(_spacing(each) for each in (track, *healthy))
    at = _reached(track, target)
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


def _reached(track: Track, level: float) -> float | None:
    """The first place at which the running median of a track, in at most 256 bins, is at ``level`` or better."""
    binned = track.shape.curve
    smooth = binned.smooth(1 if len(binned) < 12 else 5)
    there = np.flatnonzero(smooth.value <= level)
    return float(smooth.step[there[0]]) if len(there) else None


def _spacing(track: Track) -> float:
    return float(np.median(np.diff(track.shape.curve.step)))
