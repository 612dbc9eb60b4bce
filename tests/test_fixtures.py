"""What the real loggers wrote is read as what was really logged. ``fixtures/make_fixtures.py`` wrote both."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lossdoctor.core.run import Run
from lossdoctor.read import read

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.parent.name for path in FIXTURES.glob("*/expected.json"))
# the reader that must know each, where it is not the one of the fixture's name
READERS = {"transformers_state": "hf_trainer", "keras_history": "json_array", "xgboost": "boosting", "lightgbm": "boosting"}
READERS |= {"catboost_printed": "boosting", "catboost_files": "catboost_json", "catboost_tables": "catboost_tsv", "mlflow_files": "mlflow"}
READERS |= {"transformers_printed": "console_text", "keras_progress": "console_text", "stable_baselines": "csv"}
READERS |= {"tensorboard_new_style": "tensorboard", "tensorboard_add_scalars": "tensorboard"}


def summary(run: Run, label: str) -> dict[str, Any]:
    curve = run.curves[label]
    values = [None if math.isnan(value) else value for value in curve.value.tolist()]
    return {"points": len(values), "nan": values.count(None), "first": values[0], "last": values[-1], "step": curve.step[-1]}


def check(run: Run, expected: dict[str, Any]) -> None:
    for label, truth in expected.items():
        found = summary(run, label)
        if truth["step"] is None:
            del truth["step"], found["step"]
        assert found == pytest.approx(truth, rel=1e-3 if "step" not in truth else 1e-6), label


@pytest.mark.parametrize("name", NAMES)
def test_a_log_says_what_was_logged(name: str) -> None:
    (run,) = read(FIXTURES / name / "log")
    assert run.reader == READERS.get(name, name)
    check(run, json.loads((FIXTURES / name / "expected.json").read_text()))


@pytest.mark.parametrize("name", ["wandb", "mlflow_files", "dvclive", "trackio"])
def test_settings_are_read(name: str) -> None:
    (run,) = read(FIXTURES / name / "log")
    assert run.settings["training.optimizer.lr"] == 0.05


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_fixtures", FIXTURES / "make_fixtures.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_library_of_today(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that is installed, run anew, is the oracle."""
    monkeypatch.chdir(tmp_path)
    try:
        expected = script().write(name, tmp_path)
    except ImportError as error:
        pytest.skip(f"not installed: {error.name}")
    (run,) = read(tmp_path / name / "log")
    check(run, expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("tensorboard")])
def test_event_files_against_tensorboard(name: str) -> None:
    """Every scalar that tensorboard's own EventAccumulator finds, we find, bit by bit."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util import tensor_util

    (run,) = read(FIXTURES / name / "log")
    theirs = []
    for file in (FIXTURES / name / "log").rglob("*tfevents*"):
        events = accumulator.EventAccumulator(str(file)).Reload()
        theirs += [[(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]]
        tensors = events.Tags()["tensors"]
        theirs += [[(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)] for tag in tensors]
    ours = [list(zip(curve.step.tolist(), curve.value.tolist(), strict=True)) for label, curve in run.curves.items() if label != "time"]
    assert sorted(map(repr, ours)) == sorted(repr([(float(step), value) for step, value in series]) for series in theirs)
