"""Several runs beside each other, and a run against healthy ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.compare import run as twin
from benchmarks.runs import training
from benchmarks.runs.recipes import recipe
from benchmarks.runs.store import TWINS, load
from lossdoctor.cli import main
from lossdoctor.compare import compare
from lossdoctor.core.comparison import Comparison, Judgement
from lossdoctor.core.curve import Curve
from lossdoctor.core.run import Run
from lossdoctor.core.statistics import student


def falling(end: float = 0.5, points: int = 100, seed: int = 0, noise: float = 0.02, pace: float = 0.1, steps: float = 1000.0) -> Curve:
    """A loss from 2 down to ``end``, over ``steps`` steps."""
    place = np.linspace(1, steps, points)
    value = end + (2 - end) * np.exp(-place / (pace * 1000)) + noise * np.random.default_rng(seed).standard_normal(points)
    return Curve("loss", "val", place, value)


def run(name: str, curve: Curve, **more: object) -> Run:
    return Run({curve.label: curve}, source=name, **more)  # type: ignore[arg-type]


def logged(curve: Curve, epochs: float | None = None, *, in_epochs: bool = False) -> Curve:
    """The curve in a log that counts epochs beside its steps, or instead of them."""
    epoch = None if epochs is None else np.ceil(curve.step / curve.step[-1] * epochs)
    return Curve(curve.metric, curve.split, epoch if in_epochs and epoch is not None else curve.step, curve.value, epoch)


def judge(run: Run, baselines: list[Run]) -> Judgement:
    (judgement,) = compare([run], baselines).judgements
    return judgement


def differs(comparison: Comparison) -> bool:
    assert len(comparison.standings) == 2
    return comparison.standings[1].differs


def test_two_seeds_of_one_recipe_do_not_differ() -> None:
    found = compare([run("a", falling(seed=1)), run("b", falling(0.52, seed=2))])
    assert not differs(found)
    assert "No difference beyond noise" in found.summary
    assert len(found.best) == 2
    assert found.standings[1].parted_at is None


def test_the_better_run_is_named_whichever_comes_first() -> None:
    good, bad = run("good", falling(0.3, seed=1)), run("bad", falling(1.2, seed=2))
    for pair in ([good, bad], [bad, good]):
        found = compare(pair)
        assert [each.run.source for each in found.standings] == ["good", "bad"]
        assert found.standings[1].behind == pytest.approx(0.9, abs=0.05)
        assert found.summary.startswith("good is better beyond noise: val_loss")


def test_of_an_accuracy_the_higher_is_better() -> None:
    low, high = (
        run(name, Curve("accuracy", "val", falling().step, level - 0.5 * falling().value / 2)) for name, level in (("l", 0.6), ("h", 0.95))
    )
    found = compare([low, high])
    assert found.higher_is_better
    assert found.standings[0].run is high
    assert found.standings[0].level > found.standings[1].level


def test_runs_part_where_one_of_them_stops_to_fall() -> None:
    whole = falling(0.2, seed=1, pace=0.4)
    stuck = Curve("loss", "val", whole.step, np.where(whole.step < 300, whole.value, whole.value[whole.step < 300][-1]))
    (_, other) = compare([run("a", whole), run("b", stuck)]).standings
    assert other.differs
    assert other.parted_at is not None
    assert 300 <= other.parted_at <= 600


def test_resolution_does_not_matter() -> None:
    fine, coarse = run("a", falling(0.5, points=5000, seed=1, noise=0.2)), run("b", falling(0.5, points=20, seed=2, noise=0.01))
    assert not differs(compare([fine, coarse]))
    assert differs(compare([fine, run("b", falling(1.3, points=20, seed=2, noise=0.01))]))


def test_runs_of_different_length_are_also_compared_where_the_shorter_ends() -> None:
    long, short = run("long", falling(0.2, pace=0.5, steps=3000)), run("short", falling(0.2, pace=0.5, steps=1000, points=50))
    found = compare([long, short])
    (first, second) = found.standings
    assert (first.run, second.shared_at) == (long, 1000)
    assert second.differs
    assert second.shared_differs is False
    assert "At step 1,000, where the shorter one ends, they do not differ beyond noise." in found.summary


def test_a_log_of_steps_and_one_of_epochs_meet_on_epochs_where_both_tell_them() -> None:
    found = compare([run("a", logged(falling(0.3), 10)), run("b", logged(falling(1.2, points=10), 10, in_epochs=True))])
    assert found.axis == "epoch"
    assert found.standings[1].parted_at is not None
    assert found.standings[1].parted_at < 4


def test_epochs_count_where_an_epoch_has_not_the_same_number_of_steps() -> None:
    assert compare([run("a", logged(falling(), 10)), run("b", logged(falling(), 10))]).axis == "step"
    assert compare([run("a", logged(falling(), 10)), run("b", logged(falling(steps=500), 10))]).axis == "epoch"


def test_where_one_log_counts_steps_and_the_other_epochs_only_their_ends_are_compared() -> None:
    found = compare([run("a", falling(0.3)), run("b", logged(falling(1.2, points=40), 40, in_epochs=True))])
    assert found.axis == "share"
    assert found.standings[1].differs
    assert found.standings[1].parted_at is None
    assert "cannot be told" in found.summary


def test_validation_comes_before_training_and_training_where_only_that_is_shared() -> None:
    train = falling(0.1)
    both = Run({"train_loss": Curve("loss", "train", train.step, train.value), "val_loss": falling(0.6)}, source="a")
    assert compare([both, run("b", falling())]).metric == "val_loss"
    assert compare([both, Run({"train_loss": both.curves["train_loss"]}, source="c")]).metric == "train_loss"


def test_runs_that_share_nothing_cannot_be_compared_and_it_says_why() -> None:
    accuracy = Curve("accuracy", "train", falling().step, 1 - falling().value / 4)
    found = compare([run("a", falling()), run("b", accuracy)])
    assert not found.standings
    assert found.summary.startswith("The runs cannot be compared.")
    assert "no val_loss" in found.summary


def test_a_few_points_are_not_compared() -> None:
    found = compare([run("a", falling()), run("b", falling(points=4))])
    assert "4 points of val_loss and 6 are needed" in found.summary


def test_losses_of_different_kinds_are_not_compared() -> None:
    found = compare([run("a", falling(), columns={"val_loss": "val_mse"}), run("b", falling(), columns={"val_loss": "val_rmse"})])
    assert "its val_loss is rmse and that of the others mse" in found.summary


def test_of_several_runs_the_one_that_lacks_the_metric_is_left_out() -> None:
    accuracy = Curve("accuracy", "train", falling().step, 1 - falling().value / 4)
    found = compare([run("a", falling()), run("odd", accuracy), run("b", falling(1.0))])
    assert [each.run.source for each in found.standings] == ["a", "b"]
    assert [each.source for each, _ in found.left_out] == ["odd"]


def test_a_run_that_ends_in_nan_is_worst() -> None:
    blown = falling(0.1)
    blown = Curve("loss", "val", blown.step, np.where(blown.step > 700, np.nan, blown.value))
    found = compare([run("nan", blown), run("fine", falling(1.0))])
    assert found.standings[0].run.source == "fine"
    assert found.standings[1].differs
    assert "against NaN or infinity" in found.summary


def test_a_run_that_swings_high_is_not_excused_by_its_swings() -> None:
    steady = falling(0.1)
    swings = Curve("loss", "val", steady.step, 30 + 15 * np.sin(steady.step))
    assert differs(compare([run("a", steady), run("b", swings)]))


def test_what_changed_in_the_logged_settings_is_told() -> None:
    a = run("a", falling(), settings={"training.optimizer.lr": 0.1, "training.batch_size": 32, "training.optimizer.name": "sgd"})
    b = run("b", falling(1.2), settings={"training.optimizer.lr": 0.01, "training.batch_size": 32})
    assert compare([a, b]).changed == {"training.optimizer.lr": (0.1, 0.01)}


def test_the_best_of_many_seeds_is_not_called_better() -> None:
    ends = 0.5 + 0.02 * np.random.default_rng(3).standard_normal(50)
    found = compare([run(f"{i}", falling(end, seed=i, noise=0.005)) for i, end in enumerate(ends)])
    assert len(found.best) == 50


def test_student_agrees_with_the_tables() -> None:
    assert student(0.025, 4) == pytest.approx(2.776, abs=2e-3)
    assert student(0.01, 30) == pytest.approx(2.457, abs=2e-3)


# against baselines


def test_a_seed_of_the_baseline_is_no_worse_and_not_slower() -> None:
    found = judge(run("new", falling(0.51, seed=3)), [run("base", falling(0.5, seed=1))])
    assert (found.worse, found.slower) == (False, False)
    assert "no worse than the baseline" in found.summary


def test_a_run_that_ends_higher_is_worse_and_the_limit_is_told() -> None:
    found = judge(run("new", falling(1.2)), [run("base", falling(0.5))])
    assert found.worse is True
    assert found.limit is not None
    assert 0.5 < found.limit < 1.2
    assert "is worse than the baseline" in found.summary


def test_a_run_that_takes_far_longer_is_slower_though_it_ends_as_low() -> None:
    found = judge(run("new", falling(0.5, pace=0.6, steps=5000, points=500)), [run("base", falling(0.5, steps=5000, points=500))])
    assert (found.worse, found.slower) == (False, True)
    assert "It came only at step" in found.summary


def test_the_spread_of_several_baselines_is_the_tolerance() -> None:
    new = run("new", falling(0.75, noise=0.001))
    tight = [run(f"{i}", falling(0.5 + 0.001 * i, noise=0.001)) for i in range(6)]
    wide = [run(f"{i}", falling(0.2 + 0.12 * i, noise=0.001)) for i in range(6)]
    assert judge(new, tight).worse is True
    assert judge(new, wide).worse is False


def test_a_run_that_blew_up_is_worse() -> None:
    blown = falling()
    found = judge(run("nan", Curve("loss", "val", blown.step, np.where(blown.step > 500, np.nan, blown.value))), [run("base", falling())])
    assert found.worse is True
    assert "ends in NaN or infinity" in found.summary


def test_a_shorter_run_is_judged_by_where_the_baseline_was_then() -> None:
    base = falling(0.2, pace=0.5, steps=3000, points=300)
    half = Curve("loss", "val", base.step[:100], base.value[:100] + 0.01)
    found = judge(run("half", half), [run("base", base)])
    assert found.worse is False
    assert found.slower is None


def test_a_run_that_shares_nothing_with_the_baseline_cannot_be_judged() -> None:
    found = judge(run("new", falling()), [run("base", Curve("accuracy", "train", falling().step, falling().value))])
    assert found.worse is None
    assert "cannot be compared with the baseline" in found.summary


# on real trainings


def test_real_seeds_are_no_different_and_real_faults_are() -> None:
    recipes = load(TWINS)[::4]
    pairs = [compare([twin(a, "a"), twin(b, "b")]) for each in recipes for a, b in itertools.combinations(each["sound"][:2], 2)]
    same = [not found.standings[1].differs for found in pairs if found.standings]
    assert np.mean(same) >= 0.9
    against = [compare([twin(each["sound"][0], "sound"), twin(each["faulty"], "faulty")]) for each in recipes if "faulty" in each]
    told = [found.standings[0].run.source == "sound" for found in against if found.standings and found.standings[1].differs]
    assert len(told) >= 3
    assert np.mean(told) >= 0.9


def test_a_twin_can_be_made_again() -> None:
    frozen, made = load(TWINS)[10]["sound"][2]["train_loss"], training.log(recipe(10, sound=True), 2)["train_loss"]
    assert len(made) == len(frozen)
    assert made[:2] == pytest.approx(frozen[:2], rel=1e-2)


# as a user meets it


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., str]:
    def write(name: str, end: float, seed: int = 0, extra: str = "") -> str:
        curve = falling(end, seed=seed)
        path = tmp_path / name
        rows = (f"{step:.0f},{value:.5f}{',' + extra if extra else ''}" for step, value in zip(curve.step, curve.value, strict=True))
        path.write_text(f"step,val_loss{',lr' if extra else ''}\n" + "\n".join(rows) + "\n")
        return str(path)

    return write


def test_two_logs_end_with_the_comparison(log: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", log("a.csv", 0.3, 1, "0.1"), log("b.csv", 1.2, 2, "0.001"), "--quiet"]) == 0
    out = " ".join(capsys.readouterr().out.partition("Compared")[2].split())
    assert "a.csv is better beyond noise" in out
    assert "training.optimizer.lr: 0.1 → 0.001" in out


def test_one_log_has_no_comparison(log: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", log("a.csv", 0.3)]) == 0
    assert "Compared" not in capsys.readouterr().out
    assert main(["diagnose", log("a.csv", 0.3), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["comparison"] is None


def test_fifty_logs_are_a_short_table_and_the_json_has_all(
    log: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(50):
        log(f"run{i:02}.csv", 0.3 + 0.03 * i, i)
    assert main(["diagnose", f"{tmp_path}/run*.csv", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 80
    assert " 1.  " in out
    assert "and 40 more" in out
    main(["diagnose", f"{tmp_path}/run*.csv", "--format", "json"])
    comparison = json.loads(capsys.readouterr().out)["comparison"]
    assert [each["run"] for each in comparison["ranking"]][:1] == [0]
    assert len(comparison["ranking"]) == 50


def test_baseline_is_judged_in_text_and_json(log: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    new, *seeds = log("new.csv", 1.2), log("s1.csv", 0.5, 1), log("s2.csv", 0.51, 2)
    options = [word for seed in seeds for word in ("--baseline", seed)]
    assert main(["diagnose", new, *options]) == 0
    assert "is worse than the baseline" in " ".join(capsys.readouterr().out.split())
    assert main(["diagnose", new, *options, "--format", "json"]) == 0
    (judged,) = json.loads(capsys.readouterr().out)["comparison"]["baseline"]
    assert judged["worse"] is True
    assert judged["metric"] == "val_loss"


def test_a_baseline_that_cannot_be_read_is_an_error(log: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", log("new.csv", 1.2), "--baseline", "nowhere.csv"]) == 2
    assert "nowhere.csv does not exist" in capsys.readouterr().err
