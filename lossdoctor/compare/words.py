"""What is said of runs beside each other, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lossdoctor.compare.tracks import ENOUGH, Track
from lossdoctor.core.comparison import Comparison, Judgement, Standing
from lossdoctor.core.text import number
from lossdoctor.core.wording import title


def summary(found: Comparison) -> str:
    """Which run is better beyond noise."""
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


def verdict(found: Judgement, track: Track) -> str:
    """Whether a run is worse than the baseline, and whether it is later."""
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
