"""Logs that grow: what is read of them is what a reader of the whole would read, and what is kept is bounded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.runs.store import load
from lossdoctor.core.assemble import Column, Log, runs_in
from lossdoctor.core.run import Run
from lossdoctor.diagnose import diagnose
from lossdoctor.live import follow, history
from lossdoctor.live.follow import Follower
from lossdoctor.live.history import History, merged
from lossdoctor.read import read


def table(first: int, last: int) -> str:
    return "".join(f"{i},{2 / (1 + i / 500) + 0.01 * (i % 7)},{'' if i % 50 else 2 / (1 + i / 500)}\n" for i in range(first, last))


def json_lines(first: int, last: int) -> str:
    return "".join(json.dumps({"step": i, "loss": 2 / (1 + i / 500)}) + "\n" for i in range(first, last))


def printed(first: int, last: int) -> str:
    """A table of names over numbers: the header stands only at its top."""
    return "".join(f"{i:8d}  {2 / (1 + i / 500):.6f}\n" for i in range(first, last))


def bars(first: int, last: int) -> str:
    """The epoch is known by counting bars alone."""
    return "".join(f"{i % 100}/100 [00:01, 9.1it/s, loss={2 / (1 + i / 500):.5f}]\r" for i in range(first, last))


FORMATS = {
    "csv": ("step,loss,val_loss\n", table),
    "jsonl": ("", json_lines),
    "printed": ("Using cpu\n   epoch  train_loss\n--------  ----------\n", printed),
    "bars": ("", bars),
}


def same(one: Run, other: Run) -> bool:
    return one.curves.keys() == other.curves.keys() and all(
        np.allclose(one.curves[label].step, curve.step) and np.allclose(one.curves[label].value, curve.value, equal_nan=True)
        for label, curve in other.curves.items()
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_a_log_read_as_it_grows_is_the_log_read_at_the_end(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "HEAD", 500)
    header, rows = FORMATS[kind]
    text = header + rows(0, 400)
    log = tmp_path / "run.log"
    log.touch()
    follower = Follower(log)
    for start in range(0, len(text), 1237):  # lines are cut anywhere
        with log.open("a", newline="") as file:
            file.write(text[start : start + 1237])
        follower.look()
    assert follower.tail is not None, "it was read as a whole again and again"
    (followed,), (whole,) = follower.look(), read(log)
    assert same(followed, whole)
    assert followed.reader == whole.reader


def test_a_log_need_not_exist_yet_nor_hold_a_row(tmp_path: Path) -> None:
    log = tmp_path / "runs" / "run.csv"
    follower = Follower(log)
    assert follower.look() == []
    assert "does not exist yet" in follower.trouble
    log.parent.mkdir()
    log.write_text("step,loss\n")
    assert follower.look() == []
    assert follower.trouble
    log.write_text("step,loss\n1,2.0\n2,1.0\n")
    assert follower.look()[0].series == {"train_loss": 2}
    assert follower.trouble == ""


def test_what_has_not_changed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n" + "".join(f"{i},1.0\n" for i in range(30)))
    follower = Follower(log)
    follower.look()
    monkeypatch.setattr(follow, "read", lambda *_, **__: pytest.fail("read again"))
    assert follower.look()[0].steps == 29


@pytest.fixture
def long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Follower]:
    """A log of 300 rows that is followed."""
    monkeypatch.setattr(follow, "HEAD", 500)
    log = tmp_path / "run.csv"
    log.write_text("step,loss,val_loss\n" + table(0, 300))
    follower = Follower(log)
    follower.look()
    return log, follower


def cut_off(log: Path, text: str) -> None:
    log.write_text(text)


def rotate(log: Path, text: str) -> None:
    log.rename(log.with_suffix(".1"))
    log.write_text(text)


@pytest.mark.parametrize("change", [cut_off, rotate])
def test_a_log_that_is_written_anew_is_another_run(change: Callable[[Path, str], None], long_log: tuple[Path, Follower]) -> None:
    log, follower = long_log
    change(log, "step,loss,val_loss\n" + table(0, 40))
    assert follower.look()[0].steps == 39
    with log.open("a") as file:
        file.write(table(40, 200))
    assert same(follower.look()[0], read(log)[0])


@pytest.mark.parametrize("change", [cut_off, rotate])
def test_a_rotated_log_whose_steps_go_on_is_the_same_run(change: Callable[[Path, str], None], long_log: tuple[Path, Follower]) -> None:
    log, follower = long_log
    change(log, "step,loss,val_loss\n")
    assert follower.look()[0].steps == 299  # nothing to tell by as yet
    change(log, "step,loss,val_loss\n" + table(300, 320))
    follower.look()
    with log.open("a") as file:
        file.write(table(320, 400))
    (run,) = follower.look()
    assert run.steps == 399
    assert run.series["train_loss"] == 400


def test_a_file_written_anew_with_more_in_it_is_read_anew(long_log: tuple[Path, Follower]) -> None:
    log, follower = long_log
    log.write_text("epoch,step,loss,val_loss\n" + "".join(f"0,{line}\n" for line in table(0, 500).splitlines()))
    assert same(follower.look()[0], read(log)[0])


def test_a_network_disk_that_fails_for_a_while_is_waited_for(long_log: tuple[Path, Follower], monkeypatch: pytest.MonkeyPatch) -> None:
    log, follower = long_log
    with log.open("a") as file:
        file.write(table(300, 310))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda *_, **__: (_ for _ in ()).throw(OSError(116, "Stale file handle")))
        assert follower.look()[0].steps == 299
        assert "Stale file handle" in follower.trouble
    assert follower.look()[0].steps == 309
    assert follower.trouble == ""


def test_of_a_folder_only_the_log_that_changed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.csv").write_text("step,loss,val_loss\n" + table(0, 50))
    follower = Follower(tmp_path)
    assert [run.steps for run in follower.look()] == [49, 49]
    opened = []
    monkeypatch.setattr(follow, "read", lambda path, **options: (opened.append(str(path)), read(path, **options))[1])
    with (tmp_path / "b" / "metrics.csv").open("a") as file:
        file.write(table(50, 80))
    assert [run.steps for run in follower.look()] == [49, 79]
    assert opened == [str(tmp_path / "b" / "metrics.csv")]


def test_several_runs_in_one_file_are_read_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "HEAD", 500)
    log = tmp_path / "runs.csv"
    log.write_text("run,step,loss\n" + "".join(f"{name},{i},{1 / (i + 1)}\n" for i in range(90) for name in "ab"))
    follower = Follower(log)
    assert [run.name for run in follower.look()] == ["a", "b"]


# --- what is kept --------------------------------------------------------------------------------------------------------


def columns(rows: int, **series: np.ndarray) -> dict[str, Column]:
    return {"step": Column(np.arange(rows), np.arange(rows, dtype=float))} | {
        name: Column(np.flatnonzero(~np.isnan(values)), values[~np.isnan(values)]) for name, values in series.items()
    }


def kept(all_columns: dict[str, Column], rows: int, piece: int) -> History:
    """A history that was given the columns a few rows at a time."""
    found = History()
    for low in range(0, rows, piece):
        high = min(low + piece, rows)
        part = {name: column.where((column.row >= low) & (column.row < high)) for name, column in all_columns.items()}
        shifted = {name: Column(column.row - low, column.value) for name, column in part.items() if len(column)}
        found.add(Log(columns=shifted, rows=high - low, seen=dict.fromkeys(shifted)))
    return found


def test_a_block_is_its_median_and_a_number_beats_none() -> None:
    column = Column(np.array([0, 1, 2, 3, 5, 6]), np.array([1.0, 9.0, 2.0, np.nan, 4.0, np.inf]))
    found = merged(column, 3)
    assert found.row.tolist() == [0, 3, 6]
    assert found.value.tolist() == [2.0, 4.0, np.inf]


@pytest.mark.parametrize("piece", [7, 1000, 100_000])
def test_a_history_is_bounded_even_and_does_not_depend_on_the_pieces(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 96)
    rows = 3000 if piece == 7 else 20_000
    loss = 1 / (1 + np.arange(rows) / 300)
    found = kept(columns(rows, loss=loss, val_loss=np.where(np.arange(rows) % 1000, np.nan, loss)), rows, piece)
    log = found.log()
    step = log.columns["step"].value
    assert len(step) <= 96 + history.FIRST + 1
    assert (step[: history.FIRST] == np.arange(history.FIRST)).all()
    assert len(set(np.diff(step[history.FIRST : -1]).round(6))) == 1  # evenly
    assert len(log.columns["val_loss"]) == rows // 1000  # few points are all kept
    (run,) = runs_in(log, source="", reader="")
    assert run.curves["train_loss"].value == pytest.approx(1 / (1 + run.curves["train_loss"].step / 300), rel=0.1)


def test_a_loss_that_ends_as_no_number_does_so_in_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 96)
    rows = 5000
    all_columns = columns(rows, loss=np.linspace(2, 1, rows))
    all_columns["loss"].value[4000:] = np.nan
    all_columns["loss"].value[1000] = np.nan  # one that it recovered from
    (run,) = runs_in(kept(all_columns, rows, 333).log(), source="", reader="")
    (diagnosis,) = diagnose(run)
    assert diagnosis.status == "non_finite"
    assert diagnosis.verdict.onset_step == pytest.approx(4000, abs=150)


def test_the_verdict_on_what_is_kept_is_that_on_the_whole() -> None:
    """Labelled runs, drawn out to 60,000 rows with the noise of single batches; one may lie too near a threshold."""
    rows, rng = 60_000, np.random.default_rng(0)
    different = []
    for frozen in load()[::75]:
        log = {name: np.array([np.nan if v is None else v for v in values]) for name, values in frozen["log"].items()}
        if len(log["step"]) < 20:
            continue
        x = np.linspace(0, len(log["step"]) - 1, rows)
        drawn = {name: np.interp(x, np.arange(len(v)), v) for name, v in log.items() if name != "step" and np.isfinite(v).all()}
        if "train_loss" not in drawn:
            continue
        drawn["train_loss"] *= 1 + 0.05 * rng.normal(size=rows)
        whole = columns(rows, **drawn)
        runs = [runs_in(log, source="", reader="")[-1] for log in (Log(columns=whole, rows=rows), kept(whole, rows, 9999).log())]
        one, other = (diagnose(run)[0].status for run in runs)
        different += [(frozen["recipe"]["number"], one, other)] * (one != other)
    assert len(different) <= 1, different


def test_followed_samples_get_the_verdict_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "HEAD", 400)
    logs = sorted((Path(__file__).parent.parent / "sample_runs").glob("*/*.csv")) + sorted(
        (Path(__file__).parent.parent / "sample_runs").glob("*/*.jsonl")
    )
    assert len(logs) > 10
    for log in logs:
        follower = Follower(log)
        run = follower.look()[-1]
        assert follower.tail is not None
        assert diagnose(run)[0].status == diagnose(log)[-1].status


def test_a_look_costs_the_same_however_long_the_log(tmp_path: Path) -> None:
    """Bytes read, not seconds: the machine may be busy."""
    log = tmp_path / "run.csv"
    log.write_text("step,loss,val_loss\n" + table(0, 100_000))
    follower = Follower(log)
    follower.look()
    with log.open("a") as file:
        file.write(table(100_000, 100_010))
    tail = follower.tail
    assert tail is not None
    before = tail.offset
    follower.look()
    assert tail.offset - before == len(table(100_000, 100_010))
    assert tail.offset == log.stat().st_size
    assert max(follower.runs[0].series.values()) <= history.MOST + history.FIRST + 1
