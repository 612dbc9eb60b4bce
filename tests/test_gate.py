"""The gate: policies in files and options, goals, baselines, and what starts it in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ruamel.yaml import YAML

from lossdoctor.core.errors import BadConfig, UsageError
from lossdoctor.gate import PARSERS, Goal, Policy, policy

ROOT = Path(__file__).parent.parent


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, end: float = 0.2, epochs: int = 10, seed: int = 0) -> str:
    """The log of a run that converges to ``end``, 10 rows an epoch, with an accuracy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    step = np.arange(1, 10 * epochs + 1)
    loss = end + (2 - end) * np.exp(-step / 8) + 0.01 * np.random.default_rng(seed).standard_normal(len(step))
    rows = (f"{s},{(s - 1) // 10 + 1},{value:.5f},{1 - value / 3:.5f}\n" for s, value in zip(step, loss, strict=True))
    path.write_text("step,epoch,val_loss,val_acc\n" + "".join(rows))
    return str(path)


# goals


@pytest.mark.parametrize(
    ("goal", "code"),
    [
        ("val_loss<0.5", 0),
        ("val_loss<0.1", 1),
        ("val_loss<=0.5@epoch 4", 0),
        ("val_loss<0.5@epoch 1", 1),
        ("val_loss<0.5@step 40", 0),
        ("val_loss<0.5@step 5", 1),
        ("val_acc>0.9", 0),
        ("val_accuracy>=0.9@epoch10", 0),
        ("val_accuracy>0.99", 1),
        ("val_loss<0.5@epoch 1e9", 0),
        ("train_loss<0.5", 1),
    ],
)
def test_a_level_must_be_reached_in_time(run: Callable[..., SimpleNamespace], here: Path, goal: str, code: int) -> None:
    done = run("gate", write(here / "run.csv"), "--reach", goal)
    assert done.code == code
    assert done.out.startswith("FAIL" if code else "pass")


def test_what_was_reached_instead_is_told(run: Callable[..., SimpleNamespace], here: Path) -> None:
    out = run("gate", write(here / "run.csv"), "--reach", "val_loss<0.5@step 5").out
    assert "reach val_loss<0.5@step 5: val_loss came to 1.1" in out
    assert "by step 5, and < 0.5 was asked for" in out


@pytest.mark.parametrize(
    ("word", "hint"),
    [("staled", ", did you mean 'stalled'?"), ("LR999", "; `lossdoctor explain` lists the codes"), ("warnin", "'warning'?")],
)
def test_a_word_that_means_nothing_gets_a_hint(run: Callable[..., SimpleNamespace], here: Path, word: str, hint: str) -> None:
    done = run("gate", write(here / "run.csv"), "--fail-on", word)
    assert done.code == 2
    assert done.err.startswith(f"lossdoctor: error: fail-on '{word}' is no status, code or severity")
    assert done.err.rstrip().endswith(hint)


@pytest.mark.parametrize(("column", "lucky", "code"), [("loss", 1, 1), ("loss", 15, 0), ("val_loss", 1, 0)])
def test_one_lucky_batch_reaches_no_level_and_one_validation_does(
    run: Callable[..., SimpleNamespace], here: Path, column: str, lucky: int, code: int
) -> None:
    losses = [0.9 if 100 <= i < 100 + lucky else 1 + 5 / (i + 1) for i in range(400)]
    (here / "run.csv").write_text(f"step,{column}\n" + "".join(f"{i},{loss}\n" for i, loss in enumerate(losses)))
    assert run("gate", "run.csv", "--fail-on", "error", "--reach", f"{'train_loss' if column == 'loss' else column}<0.95").code == code


def test_a_goal_in_epochs_needs_a_log_that_counts_them(run: Callable[..., SimpleNamespace], here: Path) -> None:
    (here / "run.csv").write_text("step,loss\n" + "".join(f"{step},{1 / step}\n" for step in range(1, 60)))
    assert "counts no epochs" in run("gate", "run.csv", "--reach", "train_loss<0.5@epoch 3").out


@pytest.mark.parametrize(
    "goal", ["val_loss", "val_loss=0.5", "val_loss<", "<0.5", "val_loss<0.5@week 3", "val_loss<a", "val_loss<0.5@epoch"]
)
def test_a_goal_that_is_none_is_explained(goal: str) -> None:
    with pytest.raises(UsageError, match=r"write one as 'val_loss<0\.5'"):
        Goal.of(goal)


# the other rules


def test_required_series_go_by_our_name_or_the_column(run: Callable[..., SimpleNamespace], here: Path) -> None:
    path = write(here / "run.csv")
    assert run("gate", path, "--require", "val_loss,val_acc,val_accuracy").code == 0
    done = run("gate", path, "--require", "val_loss,lr")
    assert done.code == 1
    assert "require lr: the log has no lr; it has val_loss, val_accuracy" in done.out


def test_waste_over_the_limit_fails(run: Callable[..., SimpleNamespace], here: Path) -> None:
    path = write(here / "run.csv", epochs=30)
    assert run("gate", path, "--max-wasted", "0.99").code == 0
    done = run("gate", path, "--max-wasted", "0.1")
    assert done.code == 1
    assert "of the run came after step" in done.out
    assert run("gate", path, "--max-wasted", "30").code == 2


def test_a_forecast_that_gains_too_little_fails(run: Callable[..., SimpleNamespace], here: Path) -> None:
    path = write(here / "run.csv", epochs=30)
    assert run("gate", path, "--min-gain", "-1").code == 0
    assert run("gate", path, "--min-gain", "50%").code == 1
    assert run("gate", path, "--min-gain", "much").code == 2


def test_a_run_must_not_end_worse_than_its_baselines(run: Callable[..., SimpleNamespace], here: Path) -> None:
    for seed in range(3):
        write(here / "main" / f"seed{seed}.csv", 0.2, seed=seed)
    good, bad = write(here / "good.csv", 0.2, seed=9), write(here / "bad.csv", 0.9, seed=9)
    assert run("gate", good, "--baseline", "main/seed*.csv").code == 0
    done = run("gate", bad, "--baseline", "main/seed*.csv")
    assert done.code == 1
    assert "bad.csv is worse than the baseline: it ends at val_loss" in done.out


def test_a_run_that_cannot_be_compared_with_the_baseline_does_not_pass(run: Callable[..., SimpleNamespace], here: Path) -> None:
    (here / "other.csv").write_text("step,loss\n" + "".join(f"{step},{0.1 + 1 / step}\n" for step in range(1, 60)))
    done = run("gate", "other.csv", "--fail-on", "non_finite", "--baseline", write(here / "base.csv"))
    assert done.code == 1
    assert "cannot be compared" in done.out


# where the policy comes from


def test_the_nearest_file_above_counts_and_an_option_beats_its_key(
    run: Callable[..., SimpleNamespace], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(here / "run.csv")
    (here / "pyproject.toml").write_text('[tool.lossdoctor.gate]\nreach = ["val_loss<0.01"]\nrequire = ["val_loss"]\n')
    (here / "deep" / "er").mkdir(parents=True)
    (here / "deep" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")  # says nothing of lossdoctor
    monkeypatch.chdir(here / "deep" / "er")
    assert run("gate", path).code == 1
    assert run("gate", path, "--reach", "val_loss<0.5").code == 0
    (here / "deep" / "lossdoctor.toml").write_text('[gate]\nrequire = ["lr"]\n')
    out = run("gate", path).out
    assert "require lr" in out
    assert "reach" not in out


def test_without_fail_on_the_unhealthy_fail_whatever_else_is_declared(here: Path) -> None:
    assert policy(here, {}).fail_on == ("unhealthy",)
    (here / "lossdoctor.toml").write_text("[gate]\nmax_wasted = 0.5\n")
    assert policy(here, {}) == Policy(fail_on=("unhealthy",), max_wasted=0.5)
    (here / "lossdoctor.toml").write_text("[gate]\nfail_on = []\n")
    assert policy(here, {}).fail_on == ()


def test_baselines_of_a_file_lie_beside_it(run: Callable[..., SimpleNamespace], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "main.csv", 0.2)
    (here / "lossdoctor.toml").write_text('[gate]\nbaseline = ["main.csv"]\n')
    bad = write(here / "sub" / "bad.csv", 0.9)
    monkeypatch.chdir(here / "sub")
    assert "is worse than the baseline" in run("gate", bad).out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gate]\nmax_waste = 0.5\n", "[gate] has no key 'max_waste', did you mean 'max_wasted'?"),
        ("[gates]\nmax_wasted = 0.5\n", "did you mean 'gate'?"),
        ("[gate]\nmax_wasted = 5\n", "max_wasted must be a share"),
        ("[gate]\nmax_wasted = true\n", "max_wasted must be a share"),
        ('[gate]\nreach = "val_loss<0.5"\n', "reach must be a list"),
        ('[gate]\nreach = ["val_loss"]\n', "is no goal"),
        ('[gate]\nmin_gain = "lots"\n', "min_gain must be a number"),
        ("gate = 3\n", "must be a table"),
        ("[gate\n", "cannot be read"),
    ],
)
def test_a_bad_file_is_named_with_the_key(here: Path, text: str, told: str) -> None:
    (here / "lossdoctor.toml").write_text(text)
    with pytest.raises(BadConfig) as error:
        policy(here, {})
    assert str(here / "lossdoctor.toml") in str(error.value)
    assert told in str(error.value)


def test_every_key_is_an_option_and_is_documented(run: Callable[..., SimpleNamespace]) -> None:
    shown, documented = run("gate", "--help").out, (ROOT / "docs" / "ci.md").read_text()
    for key in PARSERS:
        assert f"--{key.replace('_', '-')}" in shown
        assert f"`{key} = " in documented


# patterns


def test_patterns_are_expanded_by_us(run: Callable[..., SimpleNamespace], here: Path) -> None:
    for name in ("runs/a.csv", "runs/deep/b.csv", "runs/deep/er/c.csv"):
        write(here / name)
    assert len(run("gate", "runs/**/*.csv").out.splitlines()) == 3
    assert len(run("gate", "runs/**/*.csv", "runs/a.csv").out.splitlines()) == 3  # each once
    done = run("gate", "runs/*.jsonl")
    assert (done.code, "matches no file" in done.err) == (2, True)


def test_a_file_whose_name_is_a_pattern_is_itself(run: Callable[..., SimpleNamespace], here: Path) -> None:
    assert run("gate", write(here / "lr[0.1]*.csv")).code == 0


# what starts it


def step(number: int) -> dict:
    return YAML(typ="safe").load((ROOT / "action.yml").read_text())["runs"]["steps"][number]


def test_the_action_gates_the_logs_it_is_given(here: Path) -> None:
    bin_folder = here / "lossdoctor" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "lossdoctor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lossdoctor "$@"\n')
    (bin_folder / "lossdoctor").chmod(0o755)
    write(here / "runs" / "a b" / "good.csv")
    write(here / "runs" / "bad.csv", 1.99)
    inputs = {"LOGS": "runs/**/*.csv\n", "OPTIONS": "--reach val_loss<0.5@epoch10", "FORMAT": "github", "OUTPUT": ""}
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RUNNER_TEMP": str(here),
        "GITHUB_STEP_SUMMARY": str(here / "summary.md"),
        **inputs,
    }
    assert set(step(1)["env"]) == set(inputs)

    def job(**more: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(1)["run"]]  # as the runner starts it
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=here, env=environment | more)

    done = job()
    assert done.returncode == 1, done.stderr
    assert "::error file=runs/bad.csv" in done.stdout
    assert "good.csv" not in done.stdout.replace("::notice", "").partition("::error")[2]
    assert "1 of 2 runs fail" in (here / "summary.md").read_text()
    assert job(LOGS="runs/a?b/*.csv").returncode == 0
    assert job(LOGS="$(touch owned);`touch owned`").returncode == 2
    assert not (here / "owned").exists()
    job(FORMAT="sarif", OUTPUT="out.sarif")
    assert (here / "out.sarif").read_text().startswith("{")


def test_the_pre_commit_hook_calls_what_exists(run: Callable[..., SimpleNamespace], here: Path) -> None:
    (hook,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = hook["entry"].split()
    assert program == "lossdoctor"
    assert run(*arguments, write(here / "run.csv")).code == 0
