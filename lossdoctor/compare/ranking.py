"""Several runs: which is better beyond noise, and where they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from lossdoctor.compare import words
from lossdoctor.compare.settings import changed_settings
from lossdoctor.compare.tracks import ENOUGH, FREEDOM, OF_SCALE, SAME, Measured, Track, aligned, shared_tracks
from lossdoctor.core.comparison import Comparison, Standing
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.statistics import student
from lossdoctor.core.wording import title

TAIL = 0.01  # of seeds of one recipe that may end so much worse, or so much better
BINS = 64  # in which two runs are laid beside each other
LASTING = 0.1  # share of the common stretch for which runs that part stay apart


def rank(measured: Sequence[Measured]) -> Comparison:
    """The runs by what all of them log, best first."""
    runs = [each.run for each in measured]
    tracks, left_out = shared_tracks(measured)
    changed = changed_settings(runs)
    if len(tracks) < 2:
        why = "; ".join(dict.fromkeys(f"{title(run)}: {reason}" for run, reason in left_out[:3]))
        return Comparison(tuple(runs), left_out=left_out, changed=changed, summary=f"The runs cannot be compared. {why}")
    axis, tracks = aligned(tracks)
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
    return replace(found, summary=words.summary(found))


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
