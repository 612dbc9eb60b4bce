"""Formats of single programs: event files, run folders, databases, and what boosting and older tools print.

The bytes are written here after the formats' own specifications, apart from the code that reads them.
"""

from __future__ import annotations

import json
import math
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_logs import LOSS, one, steps, values

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.read import read

# --- protocol buffers, written ---


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | float | bytes | str, form: str = "") -> bytes:
    if form:
        return varint(number << 3 | (1 if struct.calcsize(form) == 8 else 5)) + struct.pack(form, value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    assert isinstance(data, bytes)
    return varint(number << 3 | 2) + varint(len(data)) + data


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def record(event: bytes) -> bytes:
    size = struct.pack("<Q", len(event))
    return size + masked(size) + event + masked(event)


def event(step: int, time: float, **scalars: bytes) -> bytes:
    summary = b"".join(field(1, field(1, tag) + scalar) for tag, scalar in scalars.items())
    return record(field(1, time, "<d") + field(2, step) + field(5, summary))


def simple(value: float) -> bytes:
    return field(2, value, "<f")


def tensor(value: float) -> bytes:
    """As TensorFlow 2 writes a scalar: a tensor without shape, its bytes in tensor_content."""
    return field(8, field(1, 1) + field(2, b"") + field(4, struct.pack("<f", value)))


def tensor_listed(value: float) -> bytes:
    """As tensorboard's Python package writes it: in float_val, packed."""
    return field(8, field(1, 1) + field(2, b"") + field(5, struct.pack("<f", value)))


VERSION = record(field(1, 0.0, "<d") + field(3, "brain.Event:2"))


@pytest.mark.parametrize("style", [simple, tensor, tensor_listed])
def test_tensorboard_scalars(style: Any) -> None:
    data = VERSION + b"".join(
        event(i * 10, float(i), **{"loss/train": style(loss), "loss/val": style(loss + 1)}) for i, loss in enumerate(LOSS)
    )
    run = one(data)
    assert run.reader == "tensorboard"
    assert (values(run, "train_loss"), steps(run, "train_loss")) == (LOSS, [0, 10, 20, 30, 40])
    assert values(run, "val_loss") == [loss + 1 for loss in LOSS]


def test_tensorboard_folder_with_splits_and_runs(tmp_path: Path) -> None:
    for name, shift in (("a", 0.0), ("b", 10.0)):
        for split in ("train", "validation"):
            folder = tmp_path / name / split
            folder.mkdir(parents=True)
            more = shift + (split == "validation")
            data = VERSION + b"".join(event(i, float(i), epoch_loss=tensor(loss + more)) for i, loss in enumerate(LOSS))
            (folder / "events.out.tfevents.1.host.2.v2").write_bytes(data)
    a, b = read(tmp_path)
    assert (Path(a.source).name, values(a, "train_loss"), values(a, "val_loss")) == ("a", LOSS, [loss + 1 for loss in LOSS])
    assert (Path(b.source).name, values(b, "val_loss")) == ("b", [loss + 11 for loss in LOSS])


def test_tensorboard_damage_is_said() -> None:
    whole = VERSION + b"".join(event(i, float(i), loss=simple(loss)) for i, loss in enumerate(LOSS))
    cut = one(whole[:-9])
    assert values(cut, "train_loss") == LOSS[:-1]
    assert any("cut off at byte" in note for note in cut.notes)
    flipped = bytearray(whole)
    flipped[-30] ^= 1
    bent = one(bytes(flipped))
    assert values(bent, "train_loss") == LOSS[:-1]
    assert any("damaged at byte" in note for note in bent.notes)


def test_tensorboard_without_scalars() -> None:
    with pytest.raises(UnreadableLog, match="no scalars"):
        one(VERSION + record(field(4, b"graph")))


# --- W&B ---


def wandb_file(records: list[bytes]) -> bytes:
    data = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    for whole in records:
        rest, first = whole, True
        while rest or first:
            room = 32768 - len(data) % 32768
            if room < 7:
                data += bytes(room)
                room = 32768
            piece, rest = rest[: room - 7], rest[room - 7 :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            data += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
    return data


def history(**row: Any) -> bytes:
    items = b"".join(field(1, field(2, name) + field(16, json.dumps(value))) for name, value in row.items())
    return field(1, 1) + field(2, items)


def wandb_records() -> list[bytes]:
    config = field(17, field(1, "id") + field(4, field(1, field(1, "batch_size") + field(16, "32"))))
    filler = field(4, "console output " * 4000)  # longer than a block
    rows = [history(_step=i, **{"train/loss": loss, "val/loss": "NaN" if i == 2 else loss + 1}) for i, loss in enumerate(LOSS)]
    return [config, filler, *rows]


def test_wandb() -> None:
    run = one(wandb_file(wandb_records()))
    assert run.reader == "wandb"
    assert values(run, "train_loss") == LOSS
    assert math.isnan(values(run, "val_loss")[2])
    assert run.settings["training.batch_size"] == 32


def test_wandb_damage_is_said() -> None:
    run = one(wandb_file(wandb_records())[:-5])
    assert values(run, "train_loss") == LOSS[:-1]
    assert any("cut off" in note for note in run.notes)


def test_wandb_without_history_or_of_another_version() -> None:
    with pytest.raises(UnreadableLog, match="no history"):
        one(wandb_file([field(1, 1)]))
    with pytest.raises(UnreadableLog, match="version"):
        one(b":W&B" + struct.pack("<HB", 0xBEE1, 9) + bytes(100))


def test_wandb_export() -> None:
    """One column a run, each with its twins of least and most; blank where a run logged nothing."""
    lines = ['"Step","fast - train/loss","fast - train/loss__MIN","fast - train/loss__MAX","slow - train/loss","slow - train/loss__MIN"']
    lines += [f'"{i}","{loss}","0","9","{loss + 1 if i % 2 == 0 else ""}","0"' for i, loss in enumerate(LOSS)]
    fast, slow = read("-", stdin="\n".join(lines).encode())
    assert (fast.name, values(fast, "train_loss")) == ("fast", LOSS)
    assert (slow.name, values(slow, "train_loss"), steps(slow, "train_loss")) == ("slow", [2.5, 2.0, 1.5], [0, 2, 4])


# --- run folders and databases ---


def test_mlflow_files(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "0" / "abc"
    (run / "metrics" / "val").mkdir(parents=True)
    (run / "params").mkdir()
    (run / "meta.yaml").write_text("run_id: abc\n")
    (run / "params" / "batch_size").write_text("64")
    (run / "metrics" / "train_loss").write_text("".join(f"{1000 + i} {loss} {i}\n" for i, loss in enumerate(LOSS)))
    (run / "metrics" / "val" / "loss").write_text("1001 nan 1\n1003 2.5 3\n")
    for path in (run, tmp_path / "mlruns", tmp_path):
        (found,) = read(path)
        assert found.reader == "mlflow"
        assert values(found, "train_loss") == LOSS
        assert steps(found, "val_loss") == [1, 3]
        assert math.isnan(values(found, "val_loss")[0])
        assert found.settings["training.batch_size"] == 64


def test_mlflow_database(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE latest_metrics (key TEXT)")
    database.execute("CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN)")
    for uuid in ("r1", "r2"):
        for i, loss in enumerate(LOSS):
            row = ("loss", {3: 1.7976931348623157e308}.get(i, 0.0 if i == 4 else loss), 1000 + i, uuid, i, i == 4)
            database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()
    first, second = read(path)
    assert (first.name, second.name) == ("r1", "r2")
    assert np.array_equal(values(first, "train_loss"), [1.5, 1.25, 1.0, math.inf, math.nan], equal_nan=True)


def test_dvclive(tmp_path: Path) -> None:
    folder = tmp_path / "plots" / "metrics" / "train"
    folder.mkdir(parents=True)
    (folder / "loss.tsv").write_text("step\tloss\n" + "".join(f"{i}\t{loss}\n" for i, loss in enumerate(LOSS)))
    (tmp_path / "params.yaml").write_text("lr: 1e-3\n")
    (run,) = read(tmp_path)
    assert (run.reader, values(run, "train_loss"), run.settings) == ("dvclive", LOSS, {"training.optimizer.lr": 0.001})


def test_sacred() -> None:
    times = [f"2023-10-10T07:12:2{i}.0" for i in range(5)]
    document = {"training.loss": {"steps": list(range(5)), "timestamps": times, "values": [*LOSS[:-1], {"dtype": "float64", "value": 0.5}]}}
    run = one(json.dumps(document, indent=2))
    assert (run.reader, values(run, "train_loss"), steps(run, "train_loss")) == ("sacred", LOSS, [0, 1, 2, 3, 4])


# --- programs that print their own way ---


def test_yolov5() -> None:
    text = "".join(
        f"      {i}/4     2.19G   0.1  0.2  0.3  {0.6 - i / 10:.4g}  27  640  0.5  0.6  0.7  0.4  0.01  0.02  0.03\n" for i in range(5)
    )
    run = one(text)
    assert run.reader == "yolov5"
    assert values(run, "train_loss") == pytest.approx([0.6, 0.5, 0.4, 0.3, 0.2])
    assert values(run, "val_loss") == pytest.approx([0.06] * 5)
    assert values(run, "val_map50") == [0.7] * 5


def test_monitor() -> None:
    run = one('#{"t_start": 1.0, "env_id": "CartPole-v1"}\nr,l,t\n-200.0,200,1.3\n-150.0,150,2.3\n-100.0,100,3.3\n')
    assert (run.reader, values(run, "reward")) == ("monitor_csv", [-200, -150, -100])


def test_kaldi_is_turned_round() -> None:
    run = one("%Iter\tduration\ttrain_objective\tvalid_objective\tdifference\n0\t4.0\t-1.5\t-2.5\t0\n1\t4.0\t-1.0\t-2.0\t0\nTotal 1:00\n")
    assert (values(run, "train_loss"), values(run, "val_loss")) == ([1.5, 1.0], [2.5, 2.0])


@pytest.mark.parametrize(
    "lines",
    [["s:{i} trl:{loss:.4f} lr:0.000600 norm:1.50\n", "s:{i} tel:9.0000\n"], ["{i} train {loss:.6f}\n", "{i} val 9.0000\n"]],
    ids=["llm.c", "build-nanogpt"],
)
def test_llm_c(lines: list[str]) -> None:
    (run,) = read("-", stdin="".join("".join(lines).format(i=i, loss=3 - i / 10) for i in range(4)).encode())
    assert run.reader == "llm_c"
    assert run.curves["train_loss"].value.tolist() == pytest.approx([3, 2.9, 2.8, 2.7])
    assert run.curves["val_loss"].step.tolist() == [0, 1, 2, 3]


def test_yolo_printed() -> None:
    """Of the states of a bar the last counts; a later bar of another kind does not."""
    text = "".join(
        "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size\n"
        f"\x1b[K     {i}/3      2.19G      9.9        9.9        9.9         45        640:  50%|█████     | 100/200 [00:10<00:10]\r"
        f"      {i}/3      2.19G      {1.5 - i / 10:.3f}      1.0        0.5         45        640: 100%|██████████| 200/200 [00:20<00:0]\n"
        "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 10/10 [00:02<00:00]\n"
        f"                   all        128        929       0.61       0.51       0.52      0.3{i}\n\n"
        for i in range(1, 4)
    )
    (run,) = read("-", stdin=text.encode())
    assert run.reader == "yolo_text"
    assert run.curves["train_box_loss"].value.tolist() == [1.4, 1.3, 1.2]
    assert run.curves["train_loss"].value.tolist() == pytest.approx([2.9, 2.8, 2.7])
    assert run.curves["val_map50_95"].value.tolist() == [0.31, 0.32, 0.33]
    assert run.curves["val_map50_95"].step.tolist() == [1, 2, 3]


def test_lightgbm_shows_its_best_round_twice() -> None:
    text = "".join(f"[{i}]\tvalid_0's l2: {1 / i}\n" for i in range(1, 6)) + "Early stopping, best iteration is:\n[3]\tvalid_0's l2: 0.33\n"
    (run,) = read("-", stdin=text.encode())
    assert run.curves["val_loss"].step.tolist() == [1, 2, 3, 4, 5]
    assert not any("resumed" in note for note in run.notes)


def test_darknet_average() -> None:
    run = one("Loaded\n 1: 99.5, 9.5 avg loss, 0.001000 rate, 5.2 seconds\n 2: 98.5, 8.5 avg loss, 0.001000 rate, 5.2 seconds\n")
    assert (values(run, "train_loss"), values(run, "lr")) == ([9.5, 8.5], [0.001, 0.001])


@pytest.mark.parametrize(
    "line",
    [
        "[{i}]\ttrain-logloss:{a}\teval-logloss:{b}\n",
        "[{i}]\tvalidation_0-mlogloss:{a}\tvalidation_1-mlogloss:{b}\n",
        "[{i}]\ttraining's l2: {a}\tvalid_1's l2: {b}\n",
        "[{i}]\ttrain's l2: {a}\tvalid's l2: {b}\n",
        "[{i}]\ttraining's binary_logloss: {a}\tvalid_0's binary_logloss: {b}\n",
        "{i}:\tlearn: {a}\ttest: {b}\tbest: 0.1 (0)\ttotal: 50.1ms\tremaining: 3.2s\n",
        "[{i}]\ttrain-rmse:{a}+0.01\teval-rmse:{b}+0.02\n",
    ],
)
def test_boosting(line: str) -> None:
    text = "Will train until validation stops\n" + "".join(line.format(i=i, a=loss, b=loss + 1) for i, loss in enumerate(LOSS))
    run = one(text)
    assert run.reader == "boosting"
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_loss") == [loss + 1 for loss in LOSS]
    assert steps(run, "val_loss") == [0, 1, 2, 3, 4]


def test_catboost_files(tmp_path: Path) -> None:
    for split, more in (("learn", 0), ("test", 1)):
        rows = "".join(f"{i}\t0.5\t{loss + more}\n" for i, loss in enumerate(LOSS))
        (tmp_path / f"{split}_error.tsv").write_text(f"iter\tAccuracy\tLogloss\n{rows}")
    (run,) = read(tmp_path / "test_error.tsv")
    meta = {"learn_metrics": [{"best_value": "Min", "name": "Logloss"}], "test_metrics": [{"best_value": "Min", "name": "Logloss"}]}
    rounds = [{"learn": [loss], "iteration": i, "passed_time": 0.1, "test": [loss + 1]} for i, loss in enumerate(LOSS)]
    for found in (run, one(json.dumps({"meta": meta, "iterations": rounds}, indent=1))):
        assert values(found, "train_loss") == LOSS
        assert values(found, "val_loss") == [loss + 1 for loss in LOSS]


# --- downloads from dashboards ---


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("metricName,metricValue,timestamp,step", ["train_loss,{a},1,{i}", "val_loss,{b},1,{i}"]),  # Comet
        ("attribute_path,step,float_value,timestamp", ["train/loss,{i},{a},2021-04-29", "val/loss,{i},{b},2021-04-29"]),  # Neptune
        ("metric,variant,iter,value", ["loss,train,{i},{a}", "loss,val,{i},{b}"]),  # ClearML
    ],
    ids=["comet", "neptune", "clearml"],
)
def test_long_exports(header: str, rows: list[str]) -> None:
    run = one(header + "\n" + "".join(row.format(i=i, a=loss, b=loss + 1) + "\n" for i, loss in enumerate(LOSS) for row in rows))
    assert values(run, "train_loss") == LOSS
    assert (steps(run, "val_loss"), values(run, "val_loss")) == ([0, 1, 2, 3, 4], [loss + 1 for loss in LOSS])


def test_clearml_scalars() -> None:
    series = {
        name: {"name": name, "x": [0, 10, 20, 30, 40], "y": [loss + more for loss in LOSS]} for name, more in (("train", 0), ("val", 1))
    }
    run = one(json.dumps({"loss": series}))
    assert (values(run, "train_loss"), steps(run, "train_loss")) == (LOSS, [0, 10, 20, 30, 40])
    assert values(run, "val_loss") == [loss + 1 for loss in LOSS]


@pytest.mark.parametrize(
    ("file", "header", "label"),
    [
        ("run-exp_train-tag-epoch_loss.csv", "Wall time,Step,Value", "train_loss"),
        ("run-.-tag-Loss_val.csv", "Wall time,Step,Value", "val_loss"),
        ("val_loss.csv", "timestamp,step,value", "val_loss"),
        ("loss.csv", "time,iteration,train", "train_loss"),
        ("accuracy.csv", "time,iteration,valid", "val_accuracy"),
    ],
)
def test_a_chart_is_named_by_its_file(tmp_path: Path, file: str, header: str, label: str) -> None:
    (tmp_path / file).write_text(header + "\n" + "".join(f"1600000{i}.5,{i},{loss}\n" for i, loss in enumerate(LOSS)))
    (run,) = read(tmp_path / file)
    assert (values(run, label), steps(run, label)) == (LOSS, [0, 1, 2, 3, 4])
    (tmp_path / file).rename(tmp_path / "download.csv")
    with pytest.raises(UnreadableLog, match="--map"):
        read(tmp_path / "download.csv")


def test_allennlp_tells_training_and_validation_side_by_side() -> None:
    lines = ["10:00:00 - INFO - writer -              Training |  Validation"]
    for epoch, loss in enumerate(LOSS):
        lines.append(f"10:00:01 - INFO - trainer - Epoch {epoch}/4")
        lines.append("10:00:02 - INFO - writer - gpu_0_memory_MB |  1020 |  N/A")
        lines.append(f"10:00:02 - INFO - writer - loss            |  {loss:.3f} |  {loss + 1:.3f}")
    run = one("\n".join(lines))
    assert (steps(run, "train_loss"), values(run, "train_loss")) == ([0, 1, 2, 3, 4], LOSS)
    assert (steps(run, "val_loss"), values(run, "val_loss")) == ([0, 1, 2, 3, 4], [loss + 1 for loss in LOSS])


@pytest.mark.parametrize(
    "text",
    [
        f"done\ntrain losses: {LOSS}\nval losses: {LOSS[::-1]}\n",
        f"done\n{ {'loss': LOSS, 'val_loss': LOSS[::-1]} }\n",
        f"done\ntrain_loss = [{', '.join(f'np.float64({loss})' for loss in LOSS)}]\nval_loss = array({LOSS[::-1]})\n",
    ],
)
def test_a_history_that_is_printed_is_a_series(text: str) -> None:
    run = one(text)
    assert (values(run, "train_loss"), values(run, "val_loss")) == (LOSS, LOSS[::-1])


def test_a_list_in_every_line_is_no_history() -> None:
    """Nor is one that says again what the log has told line by line."""
    run = one("".join(f"epoch {i} loss: [{loss}, 0.1, 0.2]\n" for i, loss in enumerate(LOSS)))
    assert (steps(run, "train_loss"), values(run, "train_loss")) == ([0, 1, 2, 3, 4], LOSS)
    run = one("".join(f"epoch {i} loss: {loss}\n" for i, loss in enumerate(LOSS)) + f"val_acc: {LOSS}\n")
    assert values(run, "train_loss") == LOSS


def test_decimal_commas_of_a_text() -> None:
    text = "".join(f"Epoche {i}: loss: {loss + 0.001:.4f}, lr: 0.{i}5\n" for i, loss in enumerate(LOSS, 1)).replace(".", ",")
    run = one(text)
    assert values(run, "train_loss") == [loss + 0.001 for loss in LOSS]
    assert (steps(run, "train_loss"), values(run, "lr")) == ([1, 2, 3, 4, 5], [0.15, 0.25, 0.35, 0.45, 0.55])


def test_commas_of_thousands_stay() -> None:
    run = one("".join(f"iter: {i},500, loss: {loss}\n" for i, loss in enumerate(LOSS, 1)))
    assert (steps(run, "train_loss"), values(run, "train_loss")) == ([1500, 2500, 3500, 4500, 5500], LOSS)


def test_numbers_in_a_message() -> None:
    lines = [
        json.dumps({"level": "info", "ts": 1.7e9 + i, "msg": f"epoch {i} train_loss {loss} val_loss {loss + 1}"})
        for i, loss in enumerate(LOSS)
    ]
    run = one("\n".join(lines))
    assert (steps(run, "train_loss"), values(run, "train_loss")) == ([0, 1, 2, 3, 4], LOSS)
    assert values(run, "val_loss") == [loss + 1 for loss in LOSS]
    lines = [json.dumps({"message": "trained", "epoch": i, "loss": loss}) for i, loss in enumerate(LOSS)]
    assert one("\n".join(lines)).reader == "jsonl"


def test_cyclegan() -> None:
    lines = [
        f"(epoch: {1 + i // 2}, iters: {100 + 100 * (i % 2)}, time: 0.2, data: 0.3) D_A: 0.3 G_A: {loss} cycle_A: {loss + 1} idt_A: 0.8"
        for i, loss in enumerate(LOSS)
    ]
    run = one("\n".join(lines))
    assert values(run, "train_g_a_loss") == LOSS
    assert values(run, "train_cycle_a_loss") == [loss + 1 for loss in LOSS]
    assert "train_loss" not in run.curves  # a game has no loss that must fall
    assert run.curves["train_g_a_loss"].epoch.tolist() == [1, 1, 2, 2, 3]
    assert (np.diff(steps(run, "train_g_a_loss")) > 0).all()


@pytest.mark.parametrize(("sign", "shown"), [(-1.0, LOSS), (1.0, LOSS)])
def test_an_elbo_rises_or_its_negative_falls(sign: float, shown: list[float]) -> None:
    run = one("epoch,train_elbo,val_elbo\n" + "".join(f"{i},{sign * loss},{sign * (loss + 1)}\n" for i, loss in enumerate(LOSS)))
    assert (values(run, "train_loss"), values(run, "val_loss")) == (shown, [loss + 1 for loss in shown])
    assert "serves as one" in run.notes[0]


def test_bits_per_byte_are_not_compared_with_nats() -> None:
    run = one("".join(f"step {i} train_loss {loss + 2} val_bpb {loss}\n" for i, loss in enumerate(LOSS)))
    assert values(run, "val_bpb") == LOSS
    assert "val_loss" not in run.curves
