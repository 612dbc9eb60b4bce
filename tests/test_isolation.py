"""Trials in processes of their own: what the user's code does to a process is the outcome of one trial."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lossdoctor.core.config import load
from lossdoctor.core.errors import UserCodeError
from lossdoctor.lab import isolate
from lossdoctor.lab.executor import Job, workload_of
from lossdoctor.lab.fit import fit
from lossdoctor.lab.isolate import Isolated, settled
from lossdoctor.lab.journal import fingerprint
from lossdoctor.lab.workload import Workload

NET = """
import ctypes, os, sys, time
import torch
from torch import nn

class Net(nn.Sequential):
    wrong = ""
    def forward(self, x):
        match self.wrong if self.training else "":
            case "exit": os._exit(7)
            case "leave": sys.exit(3)
            case "crash": ctypes.string_at(0)
            case "hang": time.sleep(3600)
            case "raise": raise RuntimeError("not today")
            case "memory": raise MemoryError
            case "nan": x = x * float("nan")
        return super().forward(x)

def build(hidden=16, wrong=""):
    net = Net(nn.Linear(8, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 3))
    net.wrong = wrong or ("exit" if hidden > 16 else "")
    print("building", flush=True)
    return net
"""
DATA = """
import numpy as np, torch
from torch.utils.data import Dataset
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 8)).astype("float32"); y = (X @ rng.normal(size=(8, 3))).argmax(1)
class Noisy(Dataset):  # asks numpy for every item
    def __len__(self): return 300
    def __getitem__(self, i): return torch.from_numpy(X[i] + 0.1 * np.random.randn(8).astype("float32")), int(y[i])
def train(): return Noisy()
def val(): return X[300:], y[300:]
def plain(): return X[:300], y[:300]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "data.py").write_text(DATA)
    path = tmp_path / "config.yaml"
    path.write_text(
        "model: {factory: net.py:build, args: {hidden: 16}}\ndata: {train: data.py:train, val: data.py:val}\n"
        "training: {optimizer: {name: sgd, lr: 1.0e-5}, epochs: 4, batch_size: 32}\nprobe: {device: cpu, budget: 10m}\n"
    )
    return path


@pytest.fixture
def workers(config: Path) -> Iterator[tuple[Isolated, Workload]]:
    file = load(config)
    executor = isolate.start(file, "cpu")
    try:
        workload = workload_of(file.values, str(config), "cpu")
        executor.ready(fingerprint(workload))
        executor.pace = 0.001
        yield executor, workload
    finally:
        executor.close()


def job(until: int, seed: int = 0, **arguments: object) -> Job:
    return Job({f"model.args.{name}": value for name, value in arguments.items()}, seed, until, every=4, steps=36)


def test_what_kills_a_trial_is_its_outcome_and_the_next_goes_on(workers, monkeypatch: pytest.MonkeyPatch) -> None:
    executor, _ = workers
    monkeypatch.setattr(isolate, "BREATH", 1.0)
    errors = {wrong: executor.run(job(8, wrong=wrong)).error or "" for wrong in ("leave", "raise", "memory", "nan", "exit", "crash")}
    assert "SystemExit" in errors["leave"]
    assert "not today" in errors["raise"]
    assert errors["memory"] == "out of memory"
    assert "non-finite" in errors["nan"]
    assert "exit status 7" in errors["exit"]
    assert "SIGSEGV" in errors["crash"]
    monkeypatch.setattr(isolate, "FIRST", 3.0)
    assert "hangs" in (executor.run(job(8, wrong="hang")).error or "")
    monkeypatch.setattr(executor, "pace", 100.0)  # steps are known to take long, and the time for trials is up before one has
    out_of_time = executor.run(replace(job(8, wrong="hang"), seconds=1.0))
    assert out_of_time.late
    assert out_of_time.error is None
    monkeypatch.setattr(isolate, "FIRST", 60.0)
    sound = executor.run(job(8))
    assert sound.error is None
    assert sound.rows[-1]["step"] == 8


def test_a_training_left_and_taken_up_in_a_worker_is_bit_by_bit_the_same_as_one_here(workers) -> None:
    executor, workload = workers
    alone = fit(workload, 1, 36, 4).rows
    executor.run(job(8, seed=1))
    executor.run(job(12, seed=2))  # another in between
    assert executor.run(job(36, seed=1)).rows == alone


def test_a_config_whose_training_ends_its_process_is_one_sentence(config: Path) -> None:
    config.write_text(config.read_text().replace("hidden: 16", "hidden: 17"))
    file = load(config)
    executor = isolate.start(file, "cpu")
    try:
        with pytest.raises(UserCodeError, match=r"the training of the config as it is fails: .*exit status 7"):
            settled(executor, file, Workload.load(file, "cpu"), steps=100)
    finally:
        executor.close()


def command(config: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "lossdoctor", "probe", str(config), "--format", "json", *options]


def alive(group: int) -> list[str]:
    """The processes of a parent that is gone or not, by what they run."""
    listed = subprocess.run(["ps", "-eo", "ppid,pid,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in listed if "lossdoctor.lab.worker" in line and str(group) in line.split()[:2]]


@pytest.mark.slow
def test_a_probe_survives_what_one_fix_does_and_writes_every_trial(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text().replace("data.py:train", "data.py:plain") + "  # widening ends the process\n")
    config.write_text(config.read_text().replace("budget: 10m}", "budget: 10m, families: [capacity]}"))
    done = subprocess.run(command(config, "--trials", str(tmp_path / "trials")), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    errors = [trial["error"] for trial in json.loads(done.stdout)["trials"]]
    assert any("exit status 7" in (error or "") for error in errors)
    rows = list(csv.DictReader((tmp_path / "trials" / "index.csv").open()))
    assert rows[0]["changes"] == "{}"
    read = subprocess.run(
        [sys.executable, "-m", "lossdoctor", "diagnose", str(tmp_path / "trials" / rows[0]["file"])], capture_output=True, text=True
    )
    assert "val_loss" in read.stdout


@pytest.mark.slow
def test_a_probe_that_was_killed_goes_on_and_finds_the_same(config: Path) -> None:
    config.write_text(config.read_text().replace("data.py:train", "data.py:plain").replace("epochs: 4", "epochs: 40"))
    whole = json.loads(subprocess.run(command(config), capture_output=True, text=True, check=True).stdout)
    for end in (signal.SIGKILL, signal.SIGINT):
        process = subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        cache = config.parent / ".lossdoctor_cache"
        while process.poll() is None and sum(len(file.read_text().splitlines()) for file in cache.glob("*.jsonl")) < 3:
            time.sleep(0.01)
        process.send_signal(end)
        out, _ = process.communicate(timeout=60)
        if end == signal.SIGINT:
            assert process.returncode == 130
            assert json.loads(out)["cost"]["train_steps"] > 0
        time.sleep(1)
        assert not alive(process.pid)
        again = subprocess.run(command(config), capture_output=True, text=True, check=True)
        assert "went on with an interrupted probe" in again.stderr
        resumed = json.loads(again.stdout)
        assert resumed["prescription"] == whole["prescription"]
        assert resumed["trials"] == whole["trials"]
        assert not list(cache.glob("*.jsonl"))
    assert Path(whole["prescription"]["config"]).exists()
