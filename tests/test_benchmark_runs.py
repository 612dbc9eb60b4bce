"""The labelled runs of the diagnosis benchmark: they can be made again, and the parts do not mix."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from benchmarks.runs.label import label, reach
from benchmarks.runs.recipes import FAULTS, RARE, RUNS, recipe
from benchmarks.runs.store import FILE, load, plain
from benchmarks.runs.tasks import TASKS
from benchmarks.runs.training import train
from lossdoctor.core.diagnosis import Status


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    return load()


def test_there_are_enough_and_a_third_is_sound(runs: list[dict[str, Any]]) -> None:
    assert len(runs) == RUNS >= 600
    assert sum(not run["recipe"]["families"] for run in runs) >= len(runs) / 3
    assert FILE.stat().st_size < 5_000_000


def test_no_data_set_and_no_net_is_in_both_parts() -> None:
    for part in (lambda task: task.data, lambda task: (task.net, task.knobs)):
        both = [{part(task) for task in TASKS.values() if task.part == name} for name in ("development", "test")]
        assert not both[0] & both[1]


def test_every_fault_is_in_both_parts(runs: list[dict[str, Any]]) -> None:
    found = Counter((TASKS[run["recipe"]["task"]].part, run["recipe"]["fault"]) for run in runs)
    assert set(found) == {(part, fault) for part in ("development", "test") for fault in (*FAULTS, *RARE)}


def test_every_status_occurs(runs: list[dict[str, Any]]) -> None:
    reached = reach(runs)
    assert {label(run, reached)["status"] for run in runs} == {status.value for status in Status}


@pytest.mark.parametrize("number", [2, 7, 13])
def test_a_run_can_be_made_again(runs: list[dict[str, Any]], number: int) -> None:
    frozen, made = runs[number], train(recipe(number))
    assert frozen["recipe"] == {**plain(recipe(number)), "families": list(recipe(number).families)}
    first, again = (run["log"]["train_loss"][0] for run in (frozen, made))
    assert math.isclose(first, again, rel_tol=1e-2)
    assert {name: len(column) for name, column in made["log"].items()} == {name: len(column) for name, column in frozen["log"].items()}
