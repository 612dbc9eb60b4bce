"""The monitor in a training loop, and its callbacks under the real frameworks, where these are installed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lossdoctor import Monitor, read
from lossdoctor.core.errors import UsageError
from lossdoctor.diagnose import diagnose
from lossdoctor.live import monitor as monitor_module

ROOT = Path(__file__).parent.parent


def eager(log: Path | None = None, **options: Any) -> Monitor:
    """A monitor that looks as soon as it may."""
    return Monitor(log, hold=0.0, overhead=1e9, **options)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is taken in at once."""
    monkeypatch.setattr(monitor_module, "SECONDS", 0.0)


def test_a_loop_learns_that_it_should_stop_and_why(no_waiting: None) -> None:
    rng = np.random.default_rng(0)
    monitor = eager()
    for epoch in range(200):
        monitor.log(loss=2.3 + 0.01 * rng.normal(), val_loss=2.3 + 0.01 * rng.normal(), epoch=epoch)
        if monitor.should_stop:
            break
    assert 20 <= epoch < 150
    assert monitor.reason is not None
    assert monitor.reason.rule == "never_learned"
    assert monitor.diagnosis is not None
    assert monitor.diagnosis.status == "never_learned"


def test_a_sound_training_is_left_alone(no_waiting: None) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x[:, 0] * x[:, 1] > 0).long()
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    monitor = eager()
    for epoch in range(120):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log({"train/loss": loss}, lr=3e-3, epoch=epoch)
        assert not monitor.should_stop, monitor.reason


def test_the_file_is_a_log_that_diagnose_reads(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Monitor(log) as monitor:
        for step in range(60):
            monitor.log(loss=torch.tensor(2.0 / (step + 1)), lr=np.float32(0.1), val_loss=None if step % 10 else 1.0)
        monitor.log(loss=float("nan"))
    (run,) = read(log)
    assert run.series == {"train_loss": 61, "lr": 60, "val_loss": 6}
    assert run.curves["train_loss"].value[:3].tolist() == pytest.approx([2.0, 1.0, 2 / 3])
    assert run.steps == 60
    assert diagnose(log)[0].run.series == run.series
    assert json.loads(log.read_text().splitlines()[1]) == {"loss": 1.0, "lr": pytest.approx(0.1), "step": 1}


def test_a_step_that_is_given_counts() -> None:
    monitor = Monitor()
    for step in range(0, 500, 50):
        monitor.log(global_step=step, loss=1 / (step + 1))
    assert monitor.diagnosis is not None
    assert monitor.diagnosis.run.steps == 450


class OnAccelerator(torch.Tensor):
    """A tensor that says it is on an accelerator, and counts how often it is fetched."""

    fetched = 0

    @property
    def is_cpu(self) -> bool:
        return False

    def item(self) -> float:
        pytest.fail("fetched alone: the accelerator would have to wait")

    def tolist(self) -> Any:
        OnAccelerator.fetched += 1
        return super().tolist()


def test_tensors_of_an_accelerator_are_fetched_together_and_keep_no_graph() -> None:
    monitor = Monitor()
    total = torch.zeros(()).as_subclass(OnAccelerator)
    weight = torch.ones((), requires_grad=True)
    for step in range(500):
        total += 1.0  # in place: the monitor must have a copy
        monitor.log(loss=total, weight_loss=(weight * step).as_subclass(OnAccelerator))
    assert all(row["weight_loss"].grad_fn is None for row in monitor._rows)
    assert OnAccelerator.fetched == 0
    diagnosis = monitor.diagnosis
    assert OnAccelerator.fetched == 1
    assert diagnosis is not None
    assert diagnosis.run.curves["train_loss"].value.tolist() == list(range(1, 501))


@pytest.mark.parametrize("value", ["high", torch.ones(3), torch.ones(3).as_subclass(OnAccelerator), [1, 2]])
def test_what_is_no_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(UsageError, match=r"monitor\.log\(loss="):
        Monitor().log(loss=value)


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Monitor(tmp_path / "missing" / "run.jsonl")


def test_looks_stay_within_their_share(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monitor = Monitor(overhead=0.01)
    looks = []

    def slow_look() -> None:
        nonlocal now
        now += 2.0
        monitor.spent += 2.0
        monitor._cost, monitor._looked_at = 2.0, monitor._count
        looks.append(now)

    monkeypatch.setattr(monitor, "look", slow_look)
    for _ in range(10_000):
        now += 0.1
        monitor.log(loss=1.0)
    assert 3 <= len(looks) <= 0.01 * now / 2.0 + 1


def test_a_fault_of_ours_leaves_the_training_alone(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_module, "diagnose", lambda run: 1 / 0)
    monitor = eager()
    for _ in range(monitor_module.FIRST - 1):
        monitor.log(loss=1.0)
    with pytest.warns(UserWarning, match="leaves it alone: ZeroDivisionError"):
        monitor.log(loss=1.0)
    monitor.log(loss=1.0)
    assert not monitor.should_stop


def test_nothing_of_a_framework_is_loaded_before_it_is_needed() -> None:
    script = (
        "import sys, lossdoctor, lossdoctor.integrations.lightning, lossdoctor.integrations.transformers, lossdoctor.integrations.keras\n"
        "monitor = lossdoctor.Monitor()\n"
        "for step in range(50): monitor.log(loss=1 / (step + 1))\n"
        "assert monitor.diagnosis\n"
        "print(*{'torch', 'lightning', 'pytorch_lightning', 'transformers', 'keras', 'pandas', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


# --- the frameworks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lr", "stopped"), [(1e-2, False), (0.0, True)])
def test_lightning(lr: float, stopped: bool, no_waiting: None, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed: make test-integrations")
    from lossdoctor.integrations.lightning import LossDoctorCallback

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Linear(8, 2)

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=lr)

    torch.manual_seed(0)
    x = torch.randn(64, 8)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long()), batch_size=16)
    log = tmp_path / "run.jsonl"
    callback = LossDoctorCallback(log, hold=0.0, overhead=1e9)
    pickle.loads(pickle.dumps(callback))  # as a trainer does that spawns processes
    trainer = lightning.Trainer(
        max_epochs=60,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trainer.fit(Module(), data, data)
    assert (trainer.current_epoch < 60) is stopped
    assert any("lossdoctor stops the training: never_learned" in str(each.message) for each in told) is stopped
    (run,) = read(log)
    assert run.series["train_loss"] == trainer.global_step
    assert run.series["val_loss"] == run.epochs
    assert run.curves["lr"].last == lr


@pytest.mark.parametrize(("lr", "stopped"), [(1e-2, False), (0.0, True)])
def test_transformers(lr: float, stopped: bool, no_waiting: None, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: make test-integrations")
    pytest.importorskip("accelerate", reason="accelerate is not installed: make test-integrations")
    from lossdoctor.integrations.transformers import LossDoctorCallback

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Linear(8, 2)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    torch.manual_seed(0)
    x = torch.randn(64, 8)
    data = [{"x": row, "labels": label} for row, label in zip(x, (x[:, 0] > 0).long(), strict=True)]
    log = tmp_path / "run.jsonl"
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=60,
        per_device_train_batch_size=16,
        learning_rate=lr,
        logging_steps=4,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    callback = LossDoctorCallback(log, hold=0.0, overhead=1e9)
    trainer = transformers.Trainer(Net(), arguments, train_dataset=data, eval_dataset=data, callbacks=[callback])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trainer.train()
    assert (trainer.state.global_step < 240) is stopped
    assert any("lossdoctor stops the training: never_learned" in str(each.message) for each in told) is stopped
    (run,) = read(log)
    assert run.steps == trainer.state.global_step
    assert run.series["train_loss"] == trainer.state.global_step // 4
    assert run.series["val_loss"] >= run.series["train_loss"] - 1
    assert "grad_norm" in run.series


@pytest.mark.parametrize(("lr", "stopped"), [(1e-2, False), (0.0, True)])
def test_keras(lr: float, stopped: bool, no_waiting: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed: make test-integrations")
    from lossdoctor.integrations.keras import LossDoctorCallback

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(lr), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    log = tmp_path / "run.jsonl"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        callback = LossDoctorCallback(log, hold=0.0, overhead=1e9)
        target = (x[:, 0] > 0).astype("int64")
        history = model.fit(x, target, epochs=60, batch_size=16, validation_data=(x, target), callbacks=[callback], verbose=0)
    assert (len(history.epoch) < 60) is stopped
    assert any("lossdoctor stops the training: never_learned" in str(each.message) for each in told) is stopped
    (run,) = read(log)
    assert run.series == dict.fromkeys(["train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"], len(history.epoch))
    assert run.curves["lr"].last == pytest.approx(lr)
