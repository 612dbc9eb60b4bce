"""The probe: it names the injected fault and proves its fix, and leaves what is sound alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lossdoctor.core.config import load
from lossdoctor.core.trial import Proof
from lossdoctor.lab import bench as bench_module
from lossdoctor.lab.judge import Judge
from lossdoctor.probe import probe
from lossdoctor.train import train

NET = """
from torch import nn
def build(hidden=32):
    return nn.Sequential(nn.Linear(8, hidden), nn.ReLU(), nn.Linear(hidden, 3))
"""
DATA = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 8)).astype("float32"); y = (X @ rng.normal(size=(8, 3))).argmax(1)
def train(): return X[:300], y[:300]
def val(): return X[300:], y[300:]
def raw_train(): return X[:300] * 1000 ** np.linspace(0, 1, 8, dtype="float32") + 3000, y[:300]
def raw_val(): return X[300:] * 1000 ** np.linspace(0, 1, 8, dtype="float32") + 3000, y[300:]
"""


@pytest.fixture
def make(tmp_path: Path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "data.py").write_text(DATA)

    def write(optimizer: str = "{name: adam, lr: 0.02}", data: str = "", epochs: int = 15, probing: str = "budget: 60s") -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(
            f"model:\n  factory: net.py:build  # mine\ndata:\n  train: data.py:{data}train\n  val: data.py:{data}val\n"
            f"training:\n  optimizer: {optimizer}\n  epochs: {epochs}\n  batch_size: 32\nprobe: {{{probing}}}\n"
        )
        return path

    return write


def families(proof: Proof) -> list[str]:
    return [chosen.fix.family for chosen in proof.prescription.chosen] if proof.prescription else []


def test_a_learning_rate_far_too_low_is_raised_and_the_fixed_config_trains(make) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    proof = probe(config)
    assert families(proof)[0] == "learning_rate"
    assert proof.prescription is not None
    assert proof.prescription.effect.low > 0
    assert proof.prescription.config == config.with_suffix(".fixed.yaml")
    assert "# mine" in proof.prescription.config.read_text()
    assert train(proof.prescription.config)[-1]["val_loss"] == pytest.approx(proof.prescription.after, rel=0.5)
    assert sum(proof.attribution.values()) == pytest.approx(1)


def test_raw_features_are_standardized(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.05}", data="raw_"))
    assert families(proof)[0] == "preprocessing"
    assert proof.prescription is not None
    assert proof.prescription.patch.changes["data.standardize"] is True


def test_a_sound_config_gets_no_prescription_and_no_file(make) -> None:
    config = make()
    proof = probe(config)
    assert proof.prescription is None
    assert proof.baseline is not None
    assert proof.trials
    assert not config.with_suffix(".fixed.yaml").exists()


def test_examine_only_stops_before_any_search(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.00001}"), examine_only=True)
    assert proof.examination.findings
    assert not proof.trials
    assert proof.prescription is None


def test_an_interrupt_keeps_what_is_known(make, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    real = bench_module.fit

    def interrupted(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls > 12:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(bench_module, "fit", interrupted)
    proof = probe(make("{name: sgd, lr: 0.00001}"))
    assert proof.interrupted
    assert proof.trials
    assert proof.prescription is None
    assert proof.cost.train_steps > 0


def test_the_budget_is_kept_and_a_late_search_prescribes_nothing_unproved(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.00001}", epochs=3000), budget="4s")
    assert proof.cost.seconds < 40  # the trials alone would take minutes
    if proof.prescription:
        assert proof.prescription.effect.seeds >= 2


def test_families_can_be_narrowed(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.00001}", probing="budget: 60s, families: [capacity]"))
    assert {family for treatment in proof.trials for family in treatment.families} == {"capacity"}
    assert proof.prescription is None


def test_a_probe_leaves_the_config_as_it_was(make) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    before = config.read_text()
    probe(config)
    assert config.read_text() == before
    assert load(config).config.training.optimizer.lr == 0.00001


def test_the_judge_asks_for_a_gain_beyond_the_noise_that_matters() -> None:
    judge = Judge("val_loss", scale=1.0)
    assert judge.proof([0.5, 0.52, 0.51], [0.2, 0.21, 0.2], led=True)
    assert not judge.proof([0.5, 0.7, 0.6], [0.2, 0.7, 0.5], led=True)  # within the noise
    assert not judge.proof([0.500, 0.501, 0.502], [0.490, 0.491, 0.492], led=False)  # beyond it, but nothing
    assert not judge.proof([0.5], [0.2], led=True)  # one seed proves nothing


def test_a_baseline_that_blew_up_by_another_factor_each_time_is_still_beaten() -> None:
    judge = Judge("val_loss", scale=1.0)
    effect = judge.proof([math.inf, 5.2, 320.0], [0.08, 0.1, 0.09], led=True)
    assert effect is not None
    assert effect.low > 0


def test_a_gain_that_only_some_starts_show_asks_for_more_seeds() -> None:
    judge = Judge("val_loss", scale=2.3)
    before, after = [0.09, 0.75, 1.2], [0.05, 0.06, 0.05]
    assert judge.proof(before, after, led=True) is None
    assert judge.promising(before, after)
    assert not judge.promising([0.5, 0.75, 1.2], [0.05, 0.06, 1.9])  # one seed speaks against it
    assert judge.proof([*before, 0.8, 1.4, 0.9], [*after, 0.05, 0.06, 0.05], led=True)
