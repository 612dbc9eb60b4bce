"""The probe: it names the injected fault and proves its fix, and leaves what is sound alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lossdoctor.core.config import load
from lossdoctor.core.trial import Proof
from lossdoctor.core.wording import outcome
from lossdoctor.lab import isolate
from lossdoctor.lab.executor import InProcess
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


FLAT = ("LR006",)  # nothing but that the loss stays where it began: a search that no finding leads, and no examination to wait for


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials in this process, as where no worker can load the workload; tests/test_isolation.py has those in workers."""

    class Nobody:
        def ready(self, fingerprint: str) -> None:
            raise isolate.Unavailable

        def close(self) -> None: ...

    monkeypatch.setattr(isolate, "start", lambda *_: Nobody())


@pytest.fixture
def make(tmp_path: Path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "data.py").write_text(DATA)

    def write(optimizer: str = "{name: adam, lr: 0.02}", data: str = "", epochs: int = 15, probing: str = "budget: 10m") -> Path:
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
    assert train(proof.prescription.config)[-1]["val_loss"] < 1.5 * proof.prescription.after  # trained on, it gets better still
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
    assert proof.cost.full_trainings <= 4
    assert not config.with_suffix(".fixed.yaml").exists()


def test_examine_only_stops_before_any_search(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.00001}"), examine_only=True)
    assert proof.examination.findings
    assert not proof.trials
    assert proof.prescription is None


def test_examine_only_sees_no_more_of_a_long_training_than_a_few_seconds_show(make) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    config.write_text(config.read_text().replace("epochs: ", "epochs: 99999"))
    proof = probe(config, examine_only=True, select=FLAT)
    assert proof.cost.full_trainings < 0.01
    assert proof.verdict is not None


def test_where_no_training_fits_the_budget_data_and_model_are_examined(make) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    config.write_text(config.read_text().replace("epochs: ", "epochs: 99999"))
    proof = probe(config, budget=0.001, select=["PRE"])
    assert proof.examination.passed
    assert proof.verdict is None
    assert proof.prescription is None


def test_an_interrupt_keeps_what_is_known_and_the_next_probe_goes_on_from_there(make, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    whole = probe(config, select=FLAT)
    real, jobs = InProcess.run, []

    def interrupted(self, job, *args):
        jobs.append(job)
        if len(jobs) == 4:
            raise KeyboardInterrupt
        return real(self, job, *args)

    monkeypatch.setattr(InProcess, "run", interrupted)
    proof = probe(config, select=FLAT)
    assert proof.interrupted
    assert proof.trials
    assert proof.prescription is None
    assert proof.cost.train_steps > 0
    before = len(jobs)
    resumed = probe(config, select=FLAT)
    known = {job.key for job in jobs[:3]}
    assert not any(job.key in known and job.until <= max(j.until for j in jobs[:3]) for job in jobs[before:])
    assert resumed.prescription is not None
    assert whole.prescription is not None
    assert resumed.prescription.patch == whole.prescription.patch
    assert resumed.prescription.effect == whole.prescription.effect
    assert not (config.parent / ".lossdoctor_cache").exists()


def test_the_journal_of_another_config_is_not_gone_on_with(make, monkeypatch: pytest.MonkeyPatch) -> None:
    real = InProcess.run

    def interrupted(self, job, *args):
        if job.changes:
            raise KeyboardInterrupt
        return real(self, job, *args)

    with monkeypatch.context() as patched:
        patched.setattr(InProcess, "run", interrupted)
        assert probe(make("{name: sgd, lr: 0.00001}"), select=FLAT).interrupted
    ran = []
    monkeypatch.setattr(InProcess, "run", lambda self, job, *args: (ran.append(job), real(self, job, *args))[1])
    probe(make("{name: sgd, lr: 0.00002}"), select=FLAT)
    assert not ran[0].changes  # the baseline is trained anew


def test_the_budget_is_kept_and_a_late_search_prescribes_nothing_unproved(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.00001}", epochs=100_000), budget="4s")
    assert proof.cost.seconds < 60  # the trials alone would take many minutes
    if proof.prescription:
        assert proof.prescription.effect.seeds >= 2


def test_the_trials_keep_to_the_steps_they_are_given_and_are_far_fewer_by_default(make) -> None:
    config = make("{name: sgd, lr: 0.00001}", epochs=200)
    full = 200 * 10
    assert probe(config, select=FLAT).cost.train_steps < full
    few = probe(config, steps=300, select=FLAT)
    assert few.cost.train_steps <= 330
    assert few.cost.full_trainings == pytest.approx(few.cost.train_steps / full, rel=0.05)


def test_families_can_be_narrowed(make) -> None:
    proof = probe(make("{name: sgd, lr: 0.00001}", probing="budget: 10m, families: [capacity]"), select=FLAT)
    assert {family for treatment in proof.trials for family in treatment.families} == {"capacity"}
    assert proof.prescription is None


def test_a_probe_leaves_the_config_as_it_was(make) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    before = config.read_text()
    probe(config, select=FLAT)
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


def test_nothing_is_proved_on_validation_data_that_are_wrong(make) -> None:
    config = make("{name: sgd, lr: 0.00001}")
    config.write_text(config.read_text().replace("val: data.py:val", "val: data.py:raw_val"))
    proof = probe(config)
    assert proof.void == "PRE108"
    assert proof.prescription is None
    assert proof.trials == ()
    assert "until PRE108 is fixed" in outcome(proof)
    assert proof.cost.full_trainings < 0.5


def test_a_gain_that_only_some_starts_show_asks_for_more_seeds() -> None:
    judge = Judge("val_loss", scale=2.3)
    before, after = [0.09, 0.75, 1.2], [0.05, 0.06, 0.05]
    assert judge.proof(before, after, led=True) is None
    assert judge.promising(before, after)
    assert not judge.promising([0.5, 0.75, 1.2], [0.05, 0.06, 1.9])  # one seed speaks against it
    assert judge.proof([*before, 0.8, 1.4, 0.9], [*after, 0.05, 0.06, 0.05], led=True)
