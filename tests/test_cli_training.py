"""`probe`, `train` and `init` as a user meets them: what goes to which stream, exit codes, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lossdoctor.core.config import load

NET = """
print("a chatty module")
from torch import nn
def build(hidden=16):
    print("building")
    return nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 3))
"""
ROWS = "".join(f"{i % 7 - 3},{i % 5 - 2},{i % 3 - 1},{(i * i) % 11 - 5},{i % 3}\n" for i in range(150))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a chatty model, a table and a config whose learning rate is far too low."""
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "data.csv").write_text("a,b,c,d,y\n" + ROWS)
    (tmp_path / "config.yaml").write_text(
        "model: {factory: net.py:build}\ndata: {train: data.csv, target: y}\n"
        "training:\n  optimizer: {name: sgd, lr: 0.00001}  # cautious\n  epochs: 12\n  batch_size: 16\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_the_users_code_prints_does_not_spoil_the_report(folder: Path, run: Callable[..., SimpleNamespace]) -> None:
    last = json.loads(run("train", "config.yaml", "--format", "json").out)["last"]
    assert last["epoch"] == 12
    printed = run("train", "config.yaml", "--epochs", "2")
    assert printed.out.splitlines()[0].startswith("step,epoch,train_loss,val_loss,lr,grad_norm,train_accuracy")
    assert len(printed.out.splitlines()) == 3
    assert "building" in printed.err


def test_a_probe_from_end_to_end(folder: Path, run: Callable[..., SimpleNamespace]) -> None:
    done = run("probe", "config.yaml", "--format", "json", "--fail-on", "never_learned")
    proof = json.loads(done.out)
    assert done.code == 1
    assert proof["schema"] == "lossdoctor.probe/1"
    assert proof["status"] == "never_learned"
    assert proof["prescription"]["fixes"][0]["family"] == "learning_rate"
    assert proof["prescription"]["verified"] is True
    assert proof["prescription"]["config"] == "config.fixed.yaml"
    assert proof["baseline"]["seeds"] == 3
    assert proof["cost"]["train_steps"] > 0
    assert "# cautious" in (folder / "config.fixed.yaml").read_text()
    fixed = json.loads(run("train", "config.fixed.yaml", "--format", "json").out)
    assert fixed["last"]["val_loss"] < proof["baseline"]["value"] / 2
    log = run("train", "config.fixed.yaml", "--output", "run.csv")
    assert log.code == 0
    assert json.loads(run("diagnose", "run.csv", "--format", "json").out)["runs"][0]["healthy"] is True


def test_examine_only_gates_a_training_before_it_starts(folder: Path, run: Callable[..., SimpleNamespace]) -> None:
    done = run("probe", "config.yaml", "--examine-only", "--fail-on", "LR", "--format", "json")
    proof = json.loads(done.out)
    assert proof["trials"] == []
    assert proof["prescription"] is None
    assert (done.code == 1) == any(finding["code"].startswith("LR") for finding in proof["findings"])
    assert not (folder / "config.fixed.yaml").exists()


def test_init_writes_a_config_that_trains(folder: Path, run: Callable[..., SimpleNamespace]) -> None:
    done = run("init", "--model", "net.py:build", "--data", "data.csv", "--target", "y", "--output", "new.yaml")
    assert done.code == 0
    config = load(folder / "new.yaml").config
    assert config.task == "classification"
    assert config.model.args == {"hidden": 16}
    assert run("train", "new.yaml", "--epochs", "1", "--format", "json").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "net.py:bild", "--data", "data.csv", "--target", "y"), "it has build"),
        (("--model", "net.py", "--data", "data.csv", "--target", "y"), "FILE.py:callable"),
        (("--model", "net.py:build", "--data", "none.csv", "--target", "y"), "no such file"),
        (("--model", "net.py:build", "--data", "data.csv", "--target", "z"), "it has a, b, c, d, y"),
        (("--model", "net.py:build", "--data", "data.csv"), "--target is missing"),
    ],
)
def test_init_says_what_is_missing(folder: Path, run: Callable[..., SimpleNamespace], arguments: tuple[str, ...], words: str) -> None:
    done = run("init", *arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(("hidden", "code"), [(16, 0), (1, 1)])
def test_a_model_that_cannot_learn_one_batch_by_heart_fails_the_assertion(
    folder: Path, run: Callable[..., SimpleNamespace], hidden: int, code: int
) -> None:
    config = (folder / "config.yaml").read_text().replace("net.py:build}", f"net.py:build, args: {{hidden: {hidden}}}}}")
    (folder / "config.yaml").write_text(config)
    done = run("probe", "config.yaml", "--examine-only", "--assert", "overfit")
    assert done.code == code
    assert ("assertion failed: overfit: after" in done.err) == bool(code)
    assert run("probe", "config.yaml", "--assert", "underfit").code == 2


def test_labels_that_stop_the_training_are_named(folder: Path, run: Callable[..., SimpleNamespace]) -> None:
    (folder / "net.py").write_text(NET.replace("nn.Linear(hidden, 3)", "nn.Linear(hidden, 2)"))
    done = run("probe", "config.yaml", "--format", "json", "--fail-on", "error")
    assert json.loads(done.out)["findings"][0]["code"] == "LAB101"
    assert done.code == 1
