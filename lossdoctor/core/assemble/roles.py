"""Names to roles: each column that is a series or counts the steps is told what it is by its name, and by the names beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossdoctor.core import names
from lossdoctor.core.assemble.columns import Log
from lossdoctor.core.curve import Floats
from lossdoctor.core.names import Role
from lossdoctor.core.text import listed, shown

SPARSE = 10  # times as many points make a series the one to look at
NAMES = 6  # that a note lists at most

Curves = dict[str, tuple[Role, tuple[str, ...]]]


@dataclass(frozen=True)
class Roles:
    """Which columns make which series: ``curves`` maps a label to its role and columns (several are added or averaged).

    ``others`` are the columns that make it in a run that has none of those.
    """

    curves: Curves
    axes: dict[str, tuple[str, ...]]
    combine: dict[str, Callable[..., Any]]
    notes: tuple[str, ...] = ()
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def roles_of(log: Log, mapping: Mapping[str, str]) -> Roles:
    """Give each label its column, the best of those that claim it."""
    mapped = {column: names.role(label) for label, column in mapping.items()}
    claims: dict[str, list[tuple[Role, str]]] = {}
    games = any(name.lower() in {"wins", "win"} for name in log.seen)
    for name, column in log.columns.items():
        if games and name.lower() == "losses" and name not in mapped:
            continue  # games that were lost
        role = mapped.get(name) or (None if column.is_text else names.recognise(name))
        if role is not None and (name in mapped or role.label not in mapping):
            claims.setdefault(role.label, []).append((role, name))

    def order(claim: tuple[Role, str]) -> tuple[int, bool, int, int]:
        role, name = claim
        points = len(log.columns[name])
        # a train_loss that is one point at the end is a summary, not the series; ten points beside thousands are an estimate
        sparse = points <= 1 or points * SPARSE < max(len(log.columns[other]) for _, other in claims[role.label])
        return min(0, role.rank), sparse, role.rank, -points

    axes = {axis: tuple(name for _, name in sorted(claims[axis], key=order)) for axis in names.AXES if axis in claims}
    claims = {label: found for label, found in claims.items() if label not in axes}
    chosen = {label: min(found, key=order) for label, found in claims.items()}
    most = max((len(log.columns[name]) for _, name in chosen.values()), default=0)
    # a part with one point is a setting: focal_loss_alpha: 0.25
    chosen = {
        label: (role, name) for label, (role, name) in chosen.items() if not (role.part and _is_setting(len(log.columns[name]), most))
    }
    curves: Curves = {label: (role, (name,)) for label, (role, name) in chosen.items()}
    if {role.part for role, _ in curves.values() if role.metric == "loss"} == {"t", "v"}:  # t_loss beside v_loss
        curves = _of_initials(curves)
    curves = _of_episodes(curves, axes)
    roles = Roles(curves, axes, {})
    roles = _scored(_steady_time(roles, log), log)
    others = {label: tuple(name for _, name in sorted(found, key=order)[1:]) for label, found in claims.items() if len(found) > 1}
    return replace(_whole(roles, log), others=others)


def _of_initials(curves: Curves) -> Curves:
    """The curves with t and v before a metric read as training and validation."""
    named: Curves = {}
    for role, columns in curves.values():
        split = {"t": "train", "v": "val"}.get(role.part)
        role = replace(role, split=split, part="") if split else role
        named[role.label] = (role, columns)
    return named


def _of_episodes(curves: Curves, axes: Mapping[str, tuple[str, ...]]) -> Curves:
    """The curves with a score as the reward where episodes are counted; elsewhere it may be anything and is left out."""
    counted = {word for columns in axes.values() for name in columns for word in names.words(name)}
    kept = {label: claim for label, claim in curves.items() if label != "score"}
    if "score" in curves and "reward" not in curves and counted & {"episode", "episodes", "game", "games"}:
        kept["reward"] = (Role("reward"), curves["score"][1])
    return kept


def _is_setting(points: int, most: int) -> bool:
    return points * SPARSE**2 < most or (points == 1 and most > SPARSE)


def _steady_time(roles: Roles, log: Log) -> Roles:
    """A ``time`` that does not grow is the time of a step (detectron2), not of the clock."""
    if "time" in roles.curves and "step_time" not in roles.curves:
        role, (name,) = roles.curves["time"]
        value = log.columns[name].value
        if len(value) > 2 and np.mean(np.diff(value) < 0) > 0.1:
            del roles.curves["time"]
            roles.curves["step_time"] = (replace(role, metric="step_time"), (name,))
    return roles


def _scored(roles: Roles, log: Log) -> Roles:
    """A score of no split, in each row with a validation loss, is the validation's where the training loss is named so (fastai)."""
    losses = [roles.curves.get(label) for label in ("train_loss", "val_loss")]
    if not all(claim and any(word in names.SPLIT for word in names.words(claim[1][0])) for claim in losses):
        return roles
    measured = log.columns["".join(losses[1][1])].row  # type: ignore[index]
    curves: Curves = {}
    for label, (role, (name,)) in roles.curves.items():
        unsaid = role.split == "train" and role.metric != "loss" and not any(word in names.SPLIT for word in names.words(name))
        named = replace(role, split="val")
        if unsaid and named.label not in roles.curves and np.array_equal(log.columns[name].row, measured):
            curves[named.label] = (named, (name,))
        else:
            curves[label] = (role, (name,))
    return replace(roles, curves=curves)


def _whole(roles: Roles, log: Log) -> Roles:
    """Where a split has parts of a loss and no whole: the only part is it, several sets are averaged, several terms added."""
    notes: list[str] = []
    combine: dict[str, Callable[..., Any]] = {}
    curves = dict(roles.curves)
    for metric in ("loss", "accuracy", "reward"):
        for split in ("train", "val", "test") if metric != "reward" else ("",):
            label = Role(metric, split).label
            parts = {name: role for role, (name,) in roles.curves.values() if (role.metric, role.split) == (metric, split) and role.part}
            if label in curves or not parts or any(role.rival for role in parts.values()):
                continue
            columns = tuple(parts)
            stems = {"".join(c for c in role.part if not c.isdigit()) for role in parts.values()}
            sets = len(stems) == 1 and all(any(c.isdigit() for c in role.part) for role in parts.values())
            lengths = [len(log.columns[name]) for name in columns]
            aligned = max(lengths) - min(lengths) <= 1  # one may be ahead where the log ends
            if (len(columns) > 1 and not (aligned and (sets or metric == "loss"))) or (metric == "reward" and not sets):
                continue
            if len(columns) > 1:
                combine[label] = np.mean if sets else np.sum
                notes.append(f"{label} is the {'mean' if sets else 'sum'} of {_list(columns)}; the log has no column for the whole")
            else:
                curves = {key: value for key, value in curves.items() if value[1] != columns}
            curves[label] = (Role(metric, split), columns)
    curves, tested = _held_out(curves, log)
    curves, named = _by_its_name(curves, log)
    notes += tested + named
    if not any(role.metric == "loss" for role, _ in curves.values()):
        for metric in names.LOSSLIKE:
            same = [(role, columns) for role, columns in curves.values() if role.metric == metric and not role.part]
            if same:
                for role, columns in same:
                    del curves[role.label]
                    curves[f"{role.split}_loss"] = (replace(role, metric="loss"), columns)
                notes.append(f"the log has no loss; {_list([c for _, cs in same for c in cs])} serves as one")
                break
        else:
            curves, bounds = _of_bounds(curves, combine, log)
            notes += bounds
    return Roles(curves, roles.axes, combine, tuple(notes))


def _of_bounds(curves: Curves, combine: dict[str, Callable[..., Any]], log: Log) -> tuple[Curves, list[str]]:
    """Losses of what bounds a log-likelihood (ELBO): it rises while the model learns, but many log its negative by the same name."""
    bounds = {label: claim for label, claim in curves.items() if claim[0].metric == "elbo" and not claim[0].part}
    values = [log.columns[claim[1][0]].value for claim in bounds.values()]
    if not bounds:
        return curves, []
    kept = {label: claim for label, claim in curves.items() if label not in bounds}
    rises = all((value[np.isfinite(value)] < 0).all() or value[-1] > value[0] for value in values)
    for role, columns in bounds.values():
        kept[f"{role.split}_loss"] = (replace(role, metric="loss"), columns)
        if rises:
            combine[f"{role.split}_loss"] = _negative
    return kept, [f"the log has no loss; {'the negative of ' * rises}{_list(cs[0] for _, cs in bounds.values())} serves as one"]


def _negative(values: list[Floats], axis: int) -> Floats:
    """The negative of the only series in a list, as a way to combine several."""
    return -values[axis]


def _held_out(curves: Curves, log: Log) -> tuple[Curves, list[str]]:
    """Series called test, where none is called validation: what is measured again and again while training is that."""
    tests = {label: claim for label, claim in curves.items() if claim[0].split == "test" and len(log.columns[claim[1][0]]) > 1}
    if not tests or any(role.split == "val" for role, _ in curves.values()):
        return curves, []
    renamed = {(role := replace(claim[0], split="val")).label: (role, claim[1]) for claim in tests.values()}
    kept = {label: claim for label, claim in curves.items() if label not in tests}
    return kept | renamed, [f"{_list(tests)} taken for validation: the log has no other"]


def _by_its_name(curves: Curves, log: Log) -> tuple[Curves, list[str]]:
    """A validation loss that is called by its name (``val_mse``) beside a training loss that is not, where both begin at one level."""
    if "train_loss" not in curves or "val_loss" in curves:
        return curves, []
    for metric in names.PROPER:
        role, columns = curves.get(f"val_{metric}", (None, ()))
        if role is None or f"train_{metric}" in curves or len(curves["train_loss"][1]) > 1:
            continue
        train, val = (float(log.columns[claim[0]].value[0]) for claim in (curves["train_loss"][1], columns))
        if 0.5 * train < val < 2 * train:
            kept = {label: claim for label, claim in curves.items() if label != role.label}
            return kept | {"val_loss": (replace(role, metric="loss"), columns)}, [f"{shown(columns[0])} taken for the validation loss"]
    return curves, []


def _list(columns: Iterable[str]) -> str:
    return listed(map(shown, columns), NAMES)
