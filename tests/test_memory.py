"""Memory that does not do for a batch: the batch goes through the model in pieces, and the training is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from lossdoctor.core.config import load
from lossdoctor.lab.bench import NOTHING, Bench
from lossdoctor.lab.executor import InProcess, Job
from lossdoctor.lab.journal import Journal
from lossdoctor.lab.workload import Workload
from lossdoctor.probe import probe

NET = """
import torch
from torch import nn

class Net(nn.Sequential):
    most, how = 10**9, "cuda"
    def forward(self, x):
        if len(x) > self.most:
            if self.how == "cuda": raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            if self.how == "cpu": torch.empty(2**48)  # what the allocator itself raises
            raise MemoryError
        return super().forward(x)

def build(most=10**9, how="cuda"):
    net = Net(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    net.most, net.how = most, how
    return net
"""
DATA = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(403, 8)).astype("float32"); y = (X @ rng.normal(size=(8, 3))).argmax(1)
def train(): return X[:303], y[:303]
def val(): return X[303:], y[303:]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "data.py").write_text(DATA)
    path = tmp_path / "config.yaml"
    path.write_text(
        "model: {factory: net.py:build}\ndata: {train: data.py:train, val: data.py:val}\n"
        "training: {optimizer: {name: sgd, lr: 0.3, momentum: 0.9}, epochs: 4, batch_size: 30, accumulate: 2}\n"
        "probe: {device: cpu, budget: 10m}\n"
    )
    return path


def job(**args: object) -> Job:
    return Job({f"model.args.{name}": value for name, value in args.items()}, seed=0, until=20, every=5, steps=20)


@pytest.mark.parametrize("how", ["cuda", "cpu", "python"])
def test_where_memory_runs_out_smaller_pieces_make_the_same_training(config: Path, how: str) -> None:
    file = load(config)
    executor = InProcess(file.values, Workload.load(file))
    whole, pieces = executor.run(job()), executor.run(job(most=10, how=how))
    assert (whole.error, whole.at_once) == (None, None)
    assert (pieces.error, pieces.at_once) == (None, 8)  # 30, 15, 8
    assert pieces.taken == whole.taken == 20
    for ours, theirs in zip(pieces.rows, whole.rows, strict=True):
        for name in ("train_loss", "val_loss", "val_accuracy", "grad_norm"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-3), name
    assert whole.rows[-1]["val_loss"] < 0.5 * whole.rows[0]["val_loss"]  # a training in which a wrong gradient would show


def test_a_model_that_no_single_example_fits_is_out_of_memory(config: Path) -> None:
    file = load(config)
    assert InProcess(file.values, Workload.load(file)).run(job(most=0)).error == "out of memory"


def test_the_journal_keeps_that_a_training_went_in_pieces(config: Path) -> None:
    config.write_text(config.read_text().replace("build}", "build, args: {most: 10}}"))
    file = load(config)
    workload = Workload.load(file)
    workload.build(0)  # the user's code is a part of what the journal is of
    Bench.open(file, workload, journal=Journal(config, workload, "1")).trial(NOTHING, 0)
    again = Bench.open(file, workload, journal=(journal := Journal(config, workload, "1")))
    again.trial(NOTHING, 0)
    assert len(journal.known) == 1
    assert [outcome.at_once for outcome in again.done.values()] == [8]


def test_a_probe_goes_on_and_its_report_says_so(config: Path) -> None:
    config.write_text(config.read_text().replace("build}", "build, args: {most: 10}}").replace("lr: 0.3, momentum: 0.9", "lr: 1.0e-5"))
    proof = probe(config, select=("LR", "INIT"))
    assert proof.prescription
    assert not proof.examination.crashed
    assert "memory" in proof.examination.skipped["INIT103"]
    assert any("ran out of memory and went on with batches in pieces of at most 8 examples" in sentence for sentence in proof.advice)
