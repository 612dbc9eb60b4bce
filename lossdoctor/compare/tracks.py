"""What can be laid beside what: the series of each run, those that all runs have, and the axis that their logs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lossdoctor.core import discover, names
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape, shape
from lossdoctor.core.signals import Signals

ENOUGH = 6  # points that a series needs to be compared
OF_SCALE = 0.05  # of `scale`, the standard deviation between seeds; fitted on the development part of benchmarks/compare.py
OF_RISE = 0.2  # of the rise since the best level: how far a run overfits varies by seed; fitted likewise
FREEDOM = 4.0  # degrees of freedom that this estimate is worth; fitted likewise
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


@dataclass(frozen=True)
class Measured:
    """The series that a run can be compared by, by label; ``signals`` names the signal that gave each."""

    run: Run
    tracks: Mapping[str, Track]
    signals: Mapping[str, str]


def measured(run: Run) -> Measured:
    """The series of a run that have enough points, by label."""
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


def shared_tracks(found: Sequence[Measured], must: Measured | None = None) -> tuple[list[Track], tuple[tuple[Run, str], ...]]:
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


def aligned(tracks: list[Track]) -> tuple[str, list[Track]]:
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
