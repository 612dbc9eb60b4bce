"""The search on scripted loss curves: what it tries first, what it takes for a cure, and what it spends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lossdoctor.core.check import Finding
from lossdoctor.core.curve import Curve
from lossdoctor.core.fix import Fix, Patch, Settings
from lossdoctor.core.run import Run
from lossdoctor.core.trial import Trial
from lossdoctor.lab.bench import OutOfBudget
from lossdoctor.lab.judge import Judge
from lossdoctor.lab.search import Candidate, Search

LR = "training.optimizer.lr"
STEPS = 1000


class Cure(Fix):
    """Changes a setting."""

    code = "FX01"

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        yield from ()


class OtherCure(Cure):
    """Changes another."""

    code = "FX02"


class Rate(Cure):
    """Changes the learning rate."""

    code = "FX03"


Cure.family, OtherCure.family, Rate.family = "preprocessing", "activation", "learning_rate"  # else the folder's


class Scripted:
    """A bench whose loss is ``loss(changes, seed, step)``."""

    def __init__(self, loss: Callable[[dict[str, Any], int, np.ndarray], np.ndarray]) -> None:
        self.loss, self.judge = loss, Judge("val_loss", scale=1.0)
        self.file = SimpleNamespace(values={"training": {"optimizer": {"lr": 0.1}}})
        self.workload = SimpleNamespace(steps=STEPS)
        self.limit, self.spent = float("inf"), 0.0
        self.done: dict[str, float] = {}

    def cost(self, patch: Patch, seed: int, share: float) -> float:
        return max(share - self.done.get(repr((patch.changes, seed)), 0.0), 0.0)

    def prepare(self, wanted: Sequence[tuple[Patch, int]], share: float) -> None:
        cost = sum(self.cost(patch, seed, share) for patch, seed in wanted)
        if cost and self.spent + cost > self.limit + 1e-9:
            raise OutOfBudget
        for patch, seed in wanted:
            self.spent += self.cost(patch, seed, share)
            key = repr((patch.changes, seed))
            self.done[key] = max(self.done.get(key, 0.0), share)

    def trial(self, patch: Patch, seed: int, share: float) -> Trial:
        self.prepare([(patch, seed)], share)
        step = np.linspace(0, share * STEPS, 9)[1:]
        curve = Curve("loss", "val", step, self.loss(dict(patch.changes), seed, step))
        return Trial(seed, float(curve.value[-1]), int(step[-1]), Run({"val_loss": curve}, "", ""))


def search(bench: Scripted, pool: list[Candidate], *, ill: bool = True, budget: float = 1.0) -> Search:
    found = Search(bench, range(3), budget, lambda run, share: (pool, ill))  # type: ignore[arg-type]
    found.run()
    return found


def chosen(found: Search) -> list[dict[str, Any]]:
    return [dict(part.patch.changes) for part in found.prescription.chosen] if found.prescription else []


def flat(seed: int, step: np.ndarray, level: float = 1.0) -> np.ndarray:
    return np.full(len(step), level + 0.01 * seed)


def falling(seed: int, step: np.ndarray, floor: float = 0.1) -> np.ndarray:
    return floor + (1 - floor) * np.exp(-step / 20) + 0.005 * seed


def test_the_fix_of_a_sure_finding_is_proved_for_half_a_training_and_no_other_is_tried() -> None:
    bench = Scripted(lambda changes, seed, step: falling(seed, step) if "a" in changes else flat(seed, step))
    found = search(bench, [Candidate(Cure(), Patch({"a": 1}), 0.9, "X1"), Candidate(OtherCure(), Patch({"b": 1}))])
    assert chosen(found) == [{"a": 1}]
    assert bench.spent <= 0.51
    assert all("b" not in treatment.patch.changes for treatment in found.treatments.values())
    assert found.attribution == {"preprocessing": 1.0}


def test_a_healthy_training_that_would_get_there_itself_gets_nothing_however_much_faster_a_fix_is() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        return (step + 1) ** (-0.9 if changes else -0.6)

    assert search(Scripted(loss), [Candidate(Cure(), Patch({"a": 1}), 0.9, "X1")], ill=False).prescription is None


def test_a_short_trial_is_no_cure_of_what_goes_wrong_later_only_because_it_is_short() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        return np.where(step < 300, 0.3, 0.3 + (step - 300) / 700) + (0.05 if changes else 0.0)  # the fix does a little harm

    assert search(Scripted(loss), [Candidate(Cure(), Patch({"a": 1}), 0.9, "X1")]).prescription is None


def test_a_rate_that_is_fast_and_then_stalls_does_not_win_over_one_that_does_about_as_well() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        fast = {0.01: 0.70, 0.03: 0.62, 0.09: 0.60}  # what the first steps show; 0.09 stays there
        return flat(seed, step, fast.get(changes.get(LR, 0.1), 0.95 if changes else 1.0))

    fix = Rate()
    pool = [Candidate(fix, Patch({LR: rate}), 0.9, "X1") for rate in (0.03, 0.01, 0.09)]
    assert chosen(search(Scripted(loss), pool, budget=2.0)) == [{LR: 0.03}]


def test_a_lucky_first_seed_does_not_hide_what_most_seeds_show() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        return falling(seed, step) if changes or seed == 0 else flat(seed, step)

    found = search(Scripted(loss), [Candidate(Cure(), Patch({"a": 1}), 0.9, "X1")], budget=2.0)
    assert any(treatment.effect and treatment.effect.gain > 0.5 for treatment in found.treatments.values())


@pytest.mark.parametrize("early", [1.3, 0.93])
def test_what_is_worse_at_first_or_gains_too_little_is_tried_for_longer_before_what_no_finding_calls_for(early: float) -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        return np.where(step < 110, early, 0.2) + 0.005 * seed if "a" in changes else flat(seed, step)

    sure = Candidate(Cure(), Patch({"a": 1}), 0.9 if early > 1 else 0.6, "X1")
    found = search(Scripted(loss), [sure, *(Candidate(OtherCure(), Patch({key: 1})) for key in "bcdefghijklmnop")])
    assert chosen(found) == [{"a": 1}]
    assert any(treatment.verified and treatment.patch.changes == {"a": 1} for treatment in found.treatments.values())


def test_two_faults_that_hide_each_other_are_mended_together_and_their_shares_add_up() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        return falling(seed, step) if {"a", "b"} <= set(changes) else flat(seed, step)

    pool = [Candidate(Cure(), Patch({"a": 1}), 0.9, "X1"), Candidate(OtherCure(), Patch({"b": 1}), 0.8, "X2")]
    found = search(Scripted(loss), pool)
    assert sorted(map(str, chosen(found))) == ["{'a': 1}", "{'b': 1}"]
    assert found.attribution == pytest.approx({"preprocessing": 0.5, "activation": 0.5})  # neither does anything alone


def test_the_shares_of_three_fixes_are_their_shapley_values() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        gain = 0.5 * ("a" in changes) + 0.2 * ("b" in changes) + 0.2 * ({"a", "c"} <= set(changes))
        return flat(seed, step) - gain

    fixes = [Cure(), OtherCure(), Rate()]
    parts = [Candidate(fix, Patch({key: 1}), 0.9, key) for fix, key in zip(fixes, "abc", strict=True)]
    found = Search(Scripted(loss), range(3), 9.0, lambda run, share: (parts, True))  # type: ignore[arg-type]
    assert found.verify(parts)
    assert found.attribution == pytest.approx({"preprocessing": 0.6 / 0.9, "activation": 0.2 / 0.9, "learning_rate": 0.1 / 0.9})


def test_what_the_budget_did_not_do_to_prove_is_told() -> None:
    def loss(changes: dict[str, Any], seed: int, step: np.ndarray) -> np.ndarray:
        usual = flat(0, step, (1.0, 2.6, 2.0)[seed])  # too far apart for two seeds to prove it
        return np.where(step > 200, 0.5, usual) if changes else usual

    pool = [Candidate(Cure(), Patch({"a": 1}), 0.9, "X1")]
    short, long = search(Scripted(loss), pool, ill=False, budget=1.3), search(Scripted(loss), pool, ill=False, budget=2.5)
    assert (short.prescription, long.unproved()) == (None, None)
    assert short.unproved() in short.treatments.values()
    assert long.prescription


def test_the_budget_is_kept_where_nothing_helps() -> None:
    bench = Scripted(lambda changes, seed, step: flat(seed, step))
    found = search(bench, [Candidate(Cure(), Patch({key: 1})) for key in "abcdefghijklmnopqrstuvw"])
    assert found.prescription is None
    assert bench.spent <= 1.0 + 1e-9
