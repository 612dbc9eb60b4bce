"""The reports, from diagnoses and proofs made by hand."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_reports import contrast, curve, diagnosis, finding, noisy, proof

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Diagnosis, Examination, Forecast, Status
from lossdoctor.core.report import Page
from lossdoctor.diagnose import diagnose
from lossdoctor.reports.json import Json
from lossdoctor.reports.terminal.chart import HEIGHT, Ink, chart
from lossdoctor.reports.terminal.report import Terminal

SAMPLES = Path(__file__).parent.parent / "sample_runs"


def terminal(*diagnoses: Diagnosis, **page: object) -> str:
    return Terminal().diagnoses(diagnoses, Page(**page))  # type: ignore[arg-type]


# JSON


def strict(text: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_of_a_diagnosis_is_as_the_contract_says() -> None:
    found = diagnosis()
    document = strict(Json().diagnoses([replace(found, forecast=replace(found.forecast, high=math.inf))], Page()))
    assert document["schema"] == "lossdoctor.diagnose/1"
    (run,) = document["runs"]
    assert run["series"] == {"train_loss": 500, "val_loss": 50, "lr": 500, "val_f1": 500}
    assert (run["status"], run["healthy"], run["confidence"]) == ("stalled", False, 0.93)
    assert (run["wasted_fraction"], run["summary"]) == (0.41, "Flat although lower is within reach.")
    assert run["forecast"] == {"metric": "val_loss", "at_step": 600, "value": 0.29, "low": 0.2, "high": None, "gain": 0.01}
    assert run["findings"][0] == {
        "code": "LR001",
        "name": "learning-rate-too-high",
        "family": "learning_rate",
        "severity": "warning",
        "confidence": 0.9,
        "message": "It swings.",
        "step": 300,
        "span": [300, 490],
        "evidence": {"swing": 0.31},
        "fixes": [
            {
                "code": "FLR01",
                "name": "lower-learning-rate",
                "changes": {"training.optimizer.lr": 0.003},
                "why": "the swings grow with the rate",
            },
        ],
    }
    assert run["passed"] == ["GRAD001"]
    assert run["skipped"]["HW001"] == "the log has no step time"
    assert run["crashed"] == {}


def test_json_writes_whole_steps_as_integers() -> None:
    (run,) = strict(Json().diagnoses([diagnosis(best_step=290.5)], Page()))["runs"]
    steps = [run["steps"], run["onset_step"], run["stop_step"], run["forecast"]["at_step"], *run["findings"][0]["span"]]
    assert all(isinstance(step, int) for step in steps)
    assert run["best_step"] == 290.5


def test_too_short_is_neither_healthy_nor_not() -> None:
    assert strict(Json().diagnoses([diagnosis(status=Status.TOO_SHORT)], Page()))["runs"][0]["healthy"] is None


def test_json_takes_numpy_numbers_infinities_and_broken_text() -> None:
    evidence = {"a": np.float64("nan"), "b": np.int64(3), "c": [np.inf, 1.5], "d": np.bool_(True), "e": "\udcff\x1b[31m"}
    sick = replace(diagnosis(), examination=Examination((replace(finding(), evidence=evidence),)))
    text = Json().diagnoses([sick], Page())
    assert text.isascii()
    assert strict(text)["runs"][0]["findings"][0]["evidence"] == {"a": None, "b": 3, "c": [None, 1.5], "d": True, "e": "\\udcff\x1b[31m"}


def test_json_of_a_proof_is_as_the_contract_says() -> None:
    document = strict(Json().proof(proof(), Page()))
    assert document["schema"] == "lossdoctor.probe/1"
    assert document["baseline"] == {"metric": "val_loss", "value": 2.3, "interval": [2.29, 2.31], "seeds": 3}
    best, _, failed = document["trials"]
    assert best == {
        "fixes": ["FLR01"],
        "family": "learning_rate",
        "changes": {"training.optimizer.lr": 0.003},
        "value": 0.31,
        "gain": 1.99,
        "interval": [1.9, 2.1],
        "seeds": 3,
        "steps": 400,
        "verified": True,
        "error": None,
    }
    assert (failed["value"], failed["gain"], failed["error"]) == (None, None, "the loss became NaN")
    prescription = document["prescription"]
    assert [fix["code"] for fix in prescription["fixes"]] == ["FLR01", "FPRE01"]
    assert (prescription["before"], prescription["after"], prescription["verified"]) == (2.3, 0.31, True)
    assert prescription["config"] == "config.fixed.yaml"
    assert document["attribution"] == {"learning_rate": 0.7, "preprocessing": 0.3}
    assert document["cost"] == {"seconds": 41.0, "train_steps": 5200, "full_trainings": 0.8, "examine_steps": 0}
    assert {fix["code"] for fix in document["findings"][0]["fixes"]} == {"FLR01"}


def test_json_of_a_healthy_config_prescribes_null() -> None:
    assert strict(Json().proof(replace(proof(), prescription=None), Page()))["prescription"] is None


# the terminal


def test_the_verdict_comes_first_then_causes_with_evidence_and_what_to_do() -> None:
    text = terminal(diagnosis())
    places = [
        text.index(part)
        for part in ("runs/a.csv", "STALLED", "Flat although", "93 %", "onset 300", "LR001", "swing 0.31", "FLR01", "IMB001", "GRAD001")
    ]
    assert places == sorted(places)
    assert "training.optimizer.lr: 0.003" in text


def test_what_was_not_examined_is_said_once_for_each_reason() -> None:
    assert "HW001 HW002: the log has no step time" in terminal(diagnosis())


def test_a_forecast_that_the_run_has_overtaken_is_not_shown() -> None:
    assert "forecast for step 600" in terminal(diagnosis())
    assert "forecast" not in terminal(replace(diagnosis(), forecast=Forecast("val_loss", 400.0, 0.29, 0.28, 0.3, 0.01)))


def test_the_columns_and_the_notes_are_shown() -> None:
    text = terminal(diagnosis(), width=120)
    assert 'val_loss from "dev loss" (50 points)' in text
    assert "3 rows repeat a step" in text


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_page(width: int, unicode: bool) -> None:
    page = Page(width=width, unicode=unicode)
    texts = [Terminal().diagnoses([diagnosis()] * 5, page), Terminal().proof(proof(), page)]
    assert max(len(line) for text in texts for line in text.splitlines()) <= width


def test_ascii_where_unicode_is_not_welcome() -> None:
    text = terminal(diagnosis(name="\u5b66\u4e60 \u2192"), unicode=False) + Terminal().proof(proof(), Page(unicode=False))
    assert text.isascii()


def test_text_from_a_log_can_neither_colour_nor_clear_the_screen() -> None:
    evil = "[red]loss[/red]\x1b[31m\x9b2J\r\n\u202e"
    found = diagnosis(evil, name=evil, text=evil)
    sick = replace(found, run=replace(found.run, reader=evil), forecast=replace(found.forecast, metric=evil))
    for text in (terminal(sick), terminal(*[sick] * 5)):
        assert "[red]loss[/red]" in text
        assert all(char.isprintable() or char == "\n" for char in text)


def test_many_runs_become_a_table_with_the_worst_and_the_last_in_full() -> None:
    runs = [diagnosis(f"run {place}", Status.CONVERGED, length=60) for place in range(3289)]
    runs[17] = diagnosis("the ill one", Status.NON_FINITE)
    text = terminal(*runs)
    assert "3,289 runs" in text
    assert "1 non_finite, 3,288 converged" in text
    assert len(text.splitlines()) < 120
    head = text.partition("In full")[0]
    assert "the ill one" in head.splitlines()[3]
    full = text.partition("In full")[2]
    assert full.index("the ill one") < full.index("run 3288")


def test_an_unhealthy_run_without_a_cause_says_so() -> None:
    assert "No check found the cause" in terminal(replace(diagnosis(), examination=Examination()))
    assert "No check found the cause" not in terminal(replace(diagnosis(status=Status.CONVERGED), examination=Examination()))


def test_a_proof_prescribes_with_before_and_after() -> None:
    text = Terminal().proof(proof(), Page())
    for part in (
        "2 changes together take val_loss from 2.3 to 0.31",
        "FLR01 lower-learning-rate",
        "1.9 to 2.1",
        "config.fixed.yaml",
        "70 %",
        "proved",
        "FPRE01 did not finish: the loss became NaN",
    ):
        assert part in text
    assert text.index("FLR01") < text.index("FPRE01")
    assert "Row 3 has a wrong label." in text


def test_the_diff_shows_the_value_before(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("model: {factory: 'net.py:build'}\ndata: {train: 'data.py:train'}\ntraining: {optimizer: {name: sgd, lr: 0.5}}\n")
    assert "training.optimizer.lr: 0.5 → 0.003" in Terminal().proof(replace(proof(), config=config), Page())


def test_nothing_to_prescribe_is_said_plainly() -> None:
    assert "Nothing to prescribe" in Terminal().proof(replace(proof(), prescription=None), Page())


def test_an_interrupted_proof_claims_nothing() -> None:
    text = Terminal().proof(replace(proof(), prescription=None, interrupted=True), Page())
    assert "Interrupted" in text
    assert "Nothing to prescribe" not in text


def test_quiet_drops_the_tables() -> None:
    text = Terminal().proof(proof(), Page(quiet=True))
    assert "config.fixed.yaml" in text
    assert "What was tried" not in text


# the chart


def lines(*curves: Curve, unicode: bool = False, **marks: float) -> list[str]:
    return [line.plain for line in chart(curves, marks, width=60, ink=Ink(unicode, color=False))]


def test_a_falling_curve_falls_from_the_left_top_to_the_right_bottom() -> None:
    rows = lines(curve(np.linspace(1, 0, 50)))[:HEIGHT]
    columns = [row[10:].index(".") for row in rows]
    assert columns == sorted(columns)
    assert rows[0].strip().startswith("1 ")
    assert rows[-1].strip().startswith("0 ")


def test_marks_stand_below_their_step() -> None:
    rule, words = lines(curve(noisy(500)), onset=295.0)[HEIGHT : HEIGHT + 2]
    assert abs(rule.index("^") - (words.index("onset 295") + 4)) <= 1


def test_the_scale_is_logarithmic_where_every_curve_spans_decades() -> None:
    falls = np.logspace(3, -3, 60)
    assert "log scale" in lines(curve(falls))[-1]
    assert "log scale" not in lines(curve(falls), curve(np.linspace(2, 1, 60), "val"))[-1]
    assert "log scale" not in lines(curve(falls - 1))[-1]


def test_one_wild_point_does_not_flatten_the_rest() -> None:
    wild = np.linspace(3, 1, 200)
    wild[0] = 1e32
    rows = lines(curve(wild))[:HEIGHT]
    assert all("." in row[10:] for row in rows)


def test_gaps_and_short_series_are_no_error() -> None:
    assert lines(curve(np.array([1.0]))) == []
    assert lines(curve(np.full(9, np.nan))) == []
    assert lines(curve(np.array([1.0, np.nan, 2.0, np.inf, 1.5])))
    assert lines(curve(np.ones(30)))
    assert lines(curve(np.array([0.0, 0.0, 0.0])))
    assert lines(curve(np.array([-1e308, 1e308, 0.0])))


def test_colours_of_the_terminal_are_read_on_black_as_on_white() -> None:
    from rich.color import Color

    used: set[int] = set()
    for log in ("overfitting_noisy_labels", "stalled_weight_decay", "converged_digits", "non_finite_log_of_zero"):
        text = Terminal().diagnoses(diagnose(SAMPLES / log), Page(color=True))
        codes = re.findall(r"\x1b\[([\d;]*)m", text)
        assert not any(re.search(r"(?:^|;)[349][0-7](?:;|$)", code.replace("38;5;", "x")) for code in codes), "a theme decides what this is"
        used |= {int(number) for code in codes for number in re.findall(r"38;5;(\d+)", code)}
    assert len(used) >= 4
    for number in used:
        colour = tuple(Color.from_ansi(number).get_truecolor())
        assert min(contrast(colour, (0, 0, 0)), contrast(colour, (255, 255, 255))) > 3.8
