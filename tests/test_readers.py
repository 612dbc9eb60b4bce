"""Logs as programs write them, read right."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_logs import LOSS, one, steps, values

from lossdoctor.core.errors import LossDoctorError, UnreadableLog, UsageError
from lossdoctor.read import read


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], **dialect: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, **dialect)
    writer.writerows([header, *rows])
    return text.getvalue()


ROWS = [[i, loss, loss + 0.25] for i, loss in enumerate(LOSS)]
PLAIN = table(["epoch", "train_loss", "val_loss"], ROWS, lineterminator="\n")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.rstrip("\n"),
        "\ufeff" + PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "\t").replace(".", ","),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", " , "),
        PLAIN.replace(",", "    "),
        "# made by train.py\n#\n" + PLAIN,
        "#" + PLAIN,
        "\n\n" + PLAIN,
        PLAIN.replace("epoch", '"epoch"').replace("val_loss", '"val_loss"'),
        PLAIN.encode("utf-16"),
        gzip.compress(PLAIN.encode(), mtime=0),
        lzma.compress(PLAIN.encode()),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_csv_dialects(data: str | bytes) -> None:
    run = one(data)
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_loss") == [loss + 0.25 for loss in LOSS]
    assert steps(run, "val_loss") == [0, 1, 2, 3, 4]
    assert run.columns["val_loss"] == "val_loss"


@pytest.mark.parametrize(
    "data",
    [
        "sep=;\n" + PLAIN.replace(",", ";"),
        PLAIN + "\0" * 300,
        "epoch,train_loss,val_loss\n" + "".join(f"{e},\"tensor({a}, device='cuda:0')\",{100 * b}%\n" for e, a, b in ROWS),
        json.dumps({name: {str(row[0]): row[at] for row in ROWS} for at, name in enumerate(["epoch", "train_loss", "val_loss"])}),
        json.dumps({f"epoch_{e}": {"train_loss": a, "val_loss": b} for e, a, b in ROWS}),
    ],
    ids=["Excel", "crash", "printed cells", "pandas.to_json", "by epoch"],
)
def test_tables_with_a_twist(data: str) -> None:
    run = one(data)
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_loss") in ([row[2] for row in ROWS], [100 * row[2] for row in ROWS])
    assert steps(run, "val_loss") == [0, 1, 2, 3, 4]


def test_a_table_of_runs_is_no_run() -> None:
    with pytest.raises(UnreadableLog, match="table of runs"):
        one("Name,State,Runtime,train/loss\n" + "".join(f"run-{i},finished,100,{loss}\n" for i, loss in enumerate(LOSS)))


def test_csv_without_header_needs_a_map() -> None:
    data = PLAIN.partition("\n")[2]
    with pytest.raises(UnreadableLog, match="--map"):
        one(data)
    run = one(data, mapping={"train_loss": "2", "step": "1"})
    assert values(run, "train_loss") == LOSS


def test_blank_is_not_nan() -> None:
    run = one("step,loss,val_loss\n1,2.0,\n2,nan,3.0\n3,NaN,\n4,inf,4.0\n5,,\n")
    assert np.array_equal(values(run, "train_loss"), [2.0, math.nan, math.nan, math.inf], equal_nan=True)
    assert steps(run, "train_loss") == [1, 2, 3, 4]
    assert values(run, "val_loss") == [3.0, 4.0]
    assert steps(run, "val_loss") == [2, 4]


def test_nan_from_the_first_row() -> None:
    run = one("epoch,loss\n0,nan\n1,nan\n2,nan\n")
    assert np.isnan(run.curves["train_loss"].value).all()
    assert len(run.curves["train_loss"]) == 3


@pytest.mark.parametrize("end", ["2,0.", "2,", "2", "2,0.0", "2,0.6e-"])
def test_a_last_line_cut_short_is_left_out(end: str) -> None:
    run = one("step,loss\n0,0.81234\n1,0.71234\n" + end)
    assert values(run, "train_loss") == [0.81234, 0.71234]
    assert any("cut short" in note for note in run.notes)


def test_a_whole_last_line_without_newline_stays() -> None:
    run = one("step,loss\n0,0.81234\n1,0.71234\n2,0.5123")
    assert values(run, "train_loss")[-1] == 0.5123
    assert not run.notes


def test_lightning() -> None:
    """``metrics.csv``: a row for each call of log, step and epoch twins, a row of its own for validation."""
    header = ["epoch", "lr-Adam", "step", "train_loss_epoch", "train_loss_step", "val_loss"]
    rows: list[list[Any]] = []
    for epoch in range(3):
        rows += [["", 0.001, epoch * 100 + k, "", "", ""] for k in (0, 50)]
        rows += [[epoch, "", epoch * 100 + k, "", 1 / (1 + epoch * 100 + k), ""] for k in (49, 99)]
        rows += [[epoch, "", epoch * 100 + 99, "", "", 0.5 - epoch / 10], [epoch, "", epoch * 100 + 99, 0.3, "", ""]]
    run = one(table(header, sorted(rows, key=lambda row: row[2])))
    assert run.reader == "lightning_csv"
    assert steps(run, "train_loss") == [49, 99, 149, 199, 249, 299]
    assert steps(run, "val_loss") == [99, 199, 299]
    assert run.columns["train_loss"] == "train_loss_step"
    assert run.series == {"lr": 6, "train_loss": 6, "val_loss": 3}
    assert run.epochs == 3  # counted from 0


def test_keras() -> None:
    run = one(table(["epoch", "accuracy", "loss", "lr", "val_accuracy", "val_loss"], [[i, 0.5, 2.0, 0.1, 0.4, 2.5] for i in range(4)]))
    assert run.reader == "keras_csv"
    assert set(run.curves) == {"train_loss", "val_loss", "train_accuracy", "val_accuracy", "lr"}


def test_hugging_face() -> None:
    log = [{"epoch": i / 10, "grad_norm": 1.0, "learning_rate": 1e-4, "loss": 3.0 - i / 10, "step": i * 10} for i in range(1, 11)]
    log.insert(5, {"epoch": 0.5, "eval_loss": 2.0, "eval_accuracy": 0.5, "eval_runtime": 3.0, "step": 50})
    log.append({"epoch": 1.0, "step": 100, "total_flos": 1e15, "train_loss": 2.2, "train_runtime": 60.0, "train_samples_per_second": 8.0})
    state = {"global_step": 100, "log_history": log, "max_steps": 100, "num_train_epochs": 1, "train_batch_size": 8}
    run = one(json.dumps(state, indent=2))
    assert run.reader == "hf_trainer"
    assert values(run, "train_loss") == pytest.approx([3.0 - i / 10 for i in range(1, 11)])
    assert run.columns["train_loss"] == "loss"
    assert (steps(run, "val_loss"), values(run, "val_loss")) == ([50], [2.0])
    assert run.settings["training.batch_size"] == 8


def test_six_evaluation_sets_are_averaged() -> None:
    log: list[dict[str, Any]] = []
    for epoch in range(3):
        log.append({"epoch": epoch, "step": epoch * 10 + 10, "loss": 1.0})
        log += [{"epoch": epoch, "step": epoch * 10 + 10, f"eval_g{k}_loss": float(k + epoch)} for k in range(6)]
    run = one(json.dumps({"global_step": 30, "log_history": log}))
    assert values(run, "val_loss") == [2.5, 3.5, 4.5]
    assert steps(run, "val_loss") == [10, 20, 30]
    assert any("mean of eval_g0_loss" in note for note in run.notes)


def test_json_lines() -> None:
    """Text before and between, bare NaN, nested objects, a learning rate that is a list, a line half written."""
    lines = ["loading data...", "{not json}", '{"config": {"batch_size": 32}}']
    lines += [json.dumps({"iter": i, "train": {"loss": math.nan if i == 2 else 1.0}, "lr": [0.1, 0.2]}) for i in range(4)]
    lines += ["checkpoint saved", '{"iter": 4, "train": {"lo']
    run = one("\n".join(lines))
    assert np.array_equal(values(run, "train_loss"), [1, 1, math.nan, 1], equal_nan=True)
    assert values(run, "lr") == [0.1] * 4
    assert any("cut short" in note for note in run.notes)
    assert any("3 lines that are not JSON" in note for note in run.notes)


def test_json_documents() -> None:
    rows = [{"epoch": i, "main/loss": loss, "validation/main/loss": loss + 1} for i, loss in enumerate(LOSS)]
    history = {"loss": LOSS, "val_loss": [loss + 1 for loss in LOSS]}
    for document in (rows, history, {"history": history}):
        for indent in (None, 2):
            run = one(json.dumps(document, indent=indent))
            assert values(run, "train_loss") == LOSS
            assert values(run, "val_loss") == [loss + 1 for loss in LOSS]


def test_strings_that_spell_numbers() -> None:
    run = one("\n".join(json.dumps({"step": i, "loss": text}) for i, text in enumerate(["1.5", "NaN", "Infinity", "x"])))
    assert np.array_equal(values(run, "train_loss"), [1.5, math.nan, math.inf], equal_nan=True)


def test_mode_column_tells_the_split() -> None:
    rows = [
        {"mode": mode, "epoch": e, "iter": i, "loss": loss}
        for e in range(3)
        for mode, i, loss in (("train", e * 9, 1.0), ("val", e * 9, 2.0))
    ]
    run = one("\n".join(map(json.dumps, rows)))
    assert values(run, "train_loss") == [1.0] * 3
    assert values(run, "val_loss") == [2.0] * 3


def test_long_table() -> None:
    rows = [[step, metric, value] for step in range(4) for metric, value in (("train/loss", 4.0 - step), ("val/loss", 5.0 - step))]
    run = one(table(["step", "metric", "value"], rows))
    assert values(run, "train_loss") == [4.0, 3.0, 2.0, 1.0]
    assert steps(run, "val_loss") == [0, 1, 2, 3]


def test_the_total_is_the_loss() -> None:
    run = one(table(["step", "loss_cls", "loss_box", "total_loss"], [[i, 0.2, 0.3, 0.5] for i in range(3)]))
    assert values(run, "train_loss") == [0.5] * 3
    assert values(run, "train_cls_loss") == [0.2] * 3


def test_parts_without_a_total_are_added() -> None:
    run = one(table(["epoch", "train/box_loss", "train/cls_loss", "lr/pg0", "lr/pg1"], [[i, 1.0, 2.0, 0.1, 0.1] for i in range(3)]))
    assert values(run, "train_loss") == [3.0] * 3
    assert any("sum of train/box_loss, train/cls_loss" in note for note in run.notes)
    assert len(run.curves["lr"]) == 3


def test_rivals_are_not_added() -> None:
    gan = one(table(["step", "d_loss", "g_loss"], [[i, 1.0, 2.0] for i in range(3)]))
    assert set(gan.curves) == {"train_d_loss", "train_g_loss"}
    agent = one(table(["step", "Episode reward", "Policy Loss", "Value Loss"], [[i, 1.0, 2.0, 3.0] for i in range(3)]))
    assert set(agent.curves) == {"reward", "train_policy_loss", "train_value_loss"}


def test_a_score_where_there_is_no_loss() -> None:
    run = one(table(["iteration", "train-rmse", "test-rmse"], [[i, 1.0, 2.0] for i in range(3)]))
    assert set(run.curves) == {"train_loss", "val_loss"}
    assert any("test_rmse taken for validation" in note for note in run.notes)


def test_a_test_beside_validation_stays_a_test() -> None:
    run = one(table(["epoch", "loss", "val_loss", "test_loss"], [[i, 1.0, 2.0, 3.0] for i in range(3)]))
    assert set(run.curves) == {"train_loss", "val_loss", "test_loss"}


def test_duplicate_columns() -> None:
    run = one("step,loss,loss\n0,1.5,9\n1,1.0,9\n")
    assert values(run, "train_loss") == [1.5, 1.0]
    assert any("more than once" in note for note in run.notes)


# --- printed text ---


def four(text: str) -> str:
    """The text of each of four epochs: counted from 0 as ``i`` and from 1 as ``n``, with a training and a validation loss."""
    return "".join(text.format(i=i, n=i + 1, loss=2 - i / 10, val=3.5 - i / 10) for i in range(4))


PRINTED = {
    "words": four("step {i} loss: {loss:.4f} val_loss: 3.5\n"),
    "nanoGPT": "".join(
        (f"step {i}: train loss {3 - i / 10:.4f}, val loss {3.5 - i / 10:.4f}\n" if i == 0 else "")
        + f"iter {i}: loss {2 - i / 10:.4f}, time 20.10ms, mfu -100.00%\n"
        for i in range(4)
    ),
    "llm.c": "".join(
        ("val loss 3.5\n" if i % 2 == 0 else "")
        + f"step {i + 1:>5d}/10 | loss {2 - i / 10:.6f} (+0.1z)| norm 1.5 (nanz)| lr 3.00e-04 | 20.10 ms\n"
        for i in range(4)
    ),
    "Hugging Face": "".join(
        f"{ {'loss': 2 - i / 10, 'grad_norm': 1.5, 'learning_rate': 3e-4, 'epoch': i / 4} }\n"
        + (f"{ {'eval_loss': 3.5, 'eval_runtime': 12.5, 'epoch': i / 4} }\n" if i % 2 else "")
        for i in range(4)
    ),
    "Keras 2": four(
        "Epoch {n}/4\n\r 1/32 [>.....] - ETA: 1:02 - loss: 9.9\r16/32 [===>..] - ETA: 3s - loss: 8.8"
        "\r32/32 [======] - 2s 60ms/step - loss: {loss:.4f} - accuracy: 0.5 - val_loss: {val:.4f} - val_accuracy: 0.4\n"
    ),
    "Keras 3": four(
        "Epoch {n}/4\n\x1b[1m 1/32\x1b[0m \x1b[37m━━━━\x1b[0m \x1b[1m9s\x1b[0m 3ms/step - loss: 9.9\r"
        "\x1b[1m32/32\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m 3ms/step - "
        "loss: {loss:.4f} - val_loss: {val:.4f}\n"
    ),
    "fastai": "epoch     train_loss  valid_loss  accuracy  time    \n"
    + four("{i}         {loss:.6f}    {val:.6f}    0.500000  00:10     \n"),
    "MNIST example": four(
        "Train Epoch: {n} [0/60000 (0%)]\tLoss: {loss:.6f}\n\nTest set: Average loss: {val:.4f}, Accuracy: 9850/10000 (98%)\n\n"
    ),
    "mmcv": four(
        "2021-01-01 10:00:0{i},123 - mmdet - INFO - Epoch [1][{n}00/1000]\tlr: 1.978e-02, eta: 1:00:00, time: 0.5, loss_cls: 0.1, "
        "loss: {loss:.4f}\n"
    )
    + "2021-01-01 10:01:00,123 - mmdet - INFO - Epoch(val) [1][100]\tloss: 3.5\n",
    "Megatron": four(
        " iteration {n:>8d}/  500000 | consumed samples: {n}00 | learning rate: 1.000E-04 | lm loss: {loss:.6E} | "
        "loss scale: 1.0 | grad norm: 1.5 | validation loss: 3.5\n"
    ),
    "fairseq": four(
        "2021-01-01 10:00:00 | INFO | train | epoch {n:03d} | loss {loss:.3f} | ppl 4 | lr 0.0003\n"
        "2021-01-01 10:00:01 | INFO | valid | epoch {n:03d} | valid on 'valid' subset | loss {val:.3f}\n"
    ),
    "plain": four("Epoch [{n}/4], Step [100/600], Loss: {loss:.4f}\nEpoch {n} validation: loss=3.5, acc=50.0%\n"),
    "ImageNet example": four(
        "Epoch: [{i}][ 10/5005]\tTime  0.2 (  0.3)\tLoss {loss:.4e} (9.9999e+00)\tAcc@1  10.00 ( 11.00)\n"
        "Test: [  0/196]\tTime  1.2 (  1.3)\tLoss 8.8000e+00 (8.8000e+00)\tAcc@1  20.00 ( 21.00)\n"
        "Test: [190/196]\tTime  1.2 (  1.3)\tLoss 8.8000e+00 (3.5000e+00)\tAcc@1  20.00 ( 30.00)\n *   Acc@1 31.000 Acc@5 45.678\n"
    ),
    "timm": four(
        "Train: {i} [  50/1251 (  4%)]  Loss: {loss:.4f} (9.9)  LR: 1.000e-06  Data: 0.010 (0.020)\n"
        "Test: [  48/48]  Time: 0.2 (0.4)  Loss:  8.8 (3.5)  Acc@1: 13.1 (12.1)\n*** Best metric: 12.1 (epoch 0)\n"
    ),
    "Swin": four(
        "[2022-01-01 12:00:00 swin](main.py 183): INFO Train: [{i}/300][10/1251]\tlr 1e-3\tloss {loss:.4f} (9.9)\tmem 9MB\n"
        "[2022-01-01 12:00:00 swin](main.py 222): INFO Test: [10/98]\tTime 2.1 (2.1)\tLoss 0.5 (3.5)\n"
    ),
    "DETR": four(
        "Epoch: [{i}]  [  10/2502]  eta: 1:00:00  lr: 0.000001  loss: {loss:.4f} (9.9)  time: 0.5000\n"
        "Averaged stats: lr: 0.000001  loss: 9.9 (9.9)\nTest:  [520/521]  eta: 0:00:00  loss: 8.8 (3.5)\n* Acc@1 12.000 loss 3.5\n"
    ),
    "mmengine": four(
        "2023/03/01 12:00:00 - mmengine - INFO - Epoch(train)  [{n}][ 50/117]  lr: 1.0000e-03  loss: {loss:.4f}\n"
        "2023/03/01 12:00:01 - mmengine - INFO - Epoch(val) [{n}][500/500]  val_loss: 3.5  coco/bbox_mAP: 0.3\n"
    ),
    "Megatron's validation": four(
        " iteration {n:>8d}/  500000 | lm loss: {loss:.6E} | grad norm: 1.5 |\n"
        " validation loss at iteration {n} | lm loss value: 3.500000E+00 | lm loss PPL: 3.3E+01 | \n"
    ),
    "headings": four("Epoch {n}\n----------\nloss: {loss:>7f}  [    0/60000]\nTest Error: \n Accuracy: 44.7%, Avg loss: 3.5 \n\n"),
    "blocks": four(
        "Epoch: {n:02} | Epoch Time: 0m 12s\n\tTrain Loss: {loss:.3f} | Train Acc: 51.12%\n\t Val. Loss: 3.500 |  Val. Acc: 51.02%\n"
    ),
    "skorch": " epoch    train_loss    valid_acc    valid_loss    cp     dur\n-------  ----------  ---------  --------  --  ---\n"
    + "".join(f"      {i + 1}        \x1b[36m{2 - i / 10:.4f}\x1b[0m       0.6100        3.5     {'+' * (i % 2)}  0.1\n" for i in range(4)),
    "model card": "| Training Loss | Epoch | Step | Validation Loss | Accuracy |\n|:-------:|:-----:|:----:|:-------------:|:------:|\n"
    "| No log        | 1.0   | 250  | 3.5             | 0.9      |\n"
    + "".join(f"| {2 - i / 10:.4f}        | {i + 2}.0   | {i * 250 + 500}  | 3.4             | 0.9      |\n" for i in range(4)),
    "spaCy": "E    #       LOSS NER  ENTS_F  SCORE \n---  ------  --------  ------  ------\n"
    + four("  {i}     {n}00       {loss:.2f}   50.12    0.{i}2\n")
    + "val_loss: 3.5\n",
    "Paddle": four("epoch: [1/1], iter: {n}0, lr: 0.0003, loss: {loss:.6f}, eval loss: 3.5\n"),
    "Chinese": four("轮次 {i}: 训练损失: {loss:.4f}, 验证损失: 3.5\n"),
    "tqdm": four("Epoch {i}: 100%|██████████| 10/10 [00:01<00:00,  9.5it/s, loss={loss:.3f}]\nval_loss: 3.5\n"),
}


@pytest.mark.parametrize("program", PRINTED)
def test_printed(program: str) -> None:
    noise = "import torch\nlr = args.lr  # start\nTraceback is not here\nsaved model with best val loss 0.1 to x.pt\n"
    run = one(noise + PRINTED[program])
    assert run.reader == "console_text"
    assert values(run, "train_loss") == pytest.approx([2, 1.9, 1.8, 1.7])
    assert (np.diff(steps(run, "train_loss")) > 0).all()
    assert values(run, "val_loss")[0] == 3.5


@pytest.mark.parametrize(
    "text",
    [
        "Epoch {i}: train/val loss: {loss}/{val}\n",
        "Epoch {i}\tLoss(train): {loss}\tLoss(val): {val}\n",
        "Epoch {i}/9\n200/200 [=====] - 2s 6ms/step - loss: {loss}\n20/20 [=====] - 1s 6ms/step - loss: {val}\n",
        "Epoch: {i}\n [==>.]  Step: 63ms | Loss: {loss} | Acc: 30% (1/3)  391/391 \n [>]  Step: 9ms | Loss: {val}  99/99 \n",
        "[rank0]: epoch {i} loss {loss}\n[rank1]: epoch {i} loss 9.5\n[rank0]: epoch {i} val_loss {val}\n",
        "INFO:root:Epoch[{i}] Train-loss={loss}\nINFO:root:Epoch[{i}] Time cost=12.3\nINFO:root:Epoch[{i}] Validation-loss={val}\n",
        "INFO:tensorflow:loss = {loss}, step = {i} (1.2 sec)\nSaving dict for global step {i}: global_step = {i}, loss = {val}\n",
        "[{i:>3}/100] train_loss: {loss} valid_loss: {val}\nValidation loss decreased (9.5 --> {val}).  Saving model ...\n",
        "[09:59] Ep. {i} : Up. {i}00 : Sen. 8,308 : Cost {loss} * 4,144 after 8,272 : Time 2.1s : 68.5 words/s : L.r. 1.5e-05\n"
        "[09:59] [valid] Ep. {i} : Up. {i}00 : cost : {val} : stalled 2 times (last best: 0.1)\n",
        "Epoch {i}: Loss (train): {loss}, Loss (val): {val}, Time (s): 3.5\n",
        "Эпоха {i}/9 | Потери на обучении: {loss} | Потери на валидации: {val}\n",
        "[에폭 {i}/9] 학습 손실: {loss} | 검증 손실: {val}\n",
        "第 {i} 轮\n训练集损失: {loss}  验证集损失: {val}\n",
        "Época {i}: pérdida: {loss} - pérdida de validación: {val}\n",
        "Epoch {i}\nTraining...\nloss: {loss}\nValidating...\nloss: {val}\n",
        "epoch {i}: loss {loss}\nEvaluating on dev set...\nloss = {val}\n",
        " > EPOCH: {i}/9\n   --> STEP: 24/30 -- GLOBAL_STEP: {i}00\n     | > loss: {loss}  (9.5)\n"
        " > EVALUATION \n     | > avg_loss: {val} (+0.0)\n",
        "Epoch - {i} Train Loss - {loss} Val Loss - {val}\n",
        "Epoch {i} finished. Mean train loss over the epoch: {loss}. Mean validation loss: {val}.\n",
    ],
    ids=[
        *("both", "in brackets", "evaluate", "pytorch-cifar", "ranks", "mxnet", "estimator", "early stopping", "Marian", "qualified"),
        *("Russian", "Korean", "Chinese", "Spanish", "messages", "evaluating", "Coqui", "dashes", "over the epoch"),
    ],
)
def test_two_losses(text: str) -> None:
    run = one("".join(text.format(i=i, loss=loss, val=loss + 0.25) for i, loss in enumerate(LOSS)))
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_loss") == [loss + 0.25 for loss in LOSS]
    assert [label for label in run.curves if label.endswith("loss")] == ["train_loss", "val_loss"]
    assert steps(run, "train_loss") == sorted(steps(run, "train_loss"))


@pytest.mark.parametrize(
    "line",
    [
        "Cost after iteration {step}: {loss}\n",
        "Loss at step {step} is {loss}\n",
        "12:00 [main] INFO org.example.Listener - Score at iteration {step} is {loss}\n",
        "Loss after {step} iterations: {loss}\n",
        "At iteration {step} the average loss is {loss}\n",
        "I0102 10:00:00.9 1302 logging_writer.py:48] [{step}] learning_rate=0.001, loss={loss}\n",
        "***** Iteration #{step} *****\nLoss: {loss}\nSeconds required for this iteration: 0.5\n",
    ],
)
def test_said_in_words(line: str) -> None:
    run = one("".join(line.format(step=100 * i, loss=loss) for i, loss in enumerate(LOSS)))
    assert values(run, "train_loss") == LOSS
    assert steps(run, "train_loss") == [0, 100, 200, 300, 400]


def test_a_message_is_no_heading_for_the_next_epoch() -> None:
    run = one("Test data loaded ...\n" + "".join(f"Epoch {i}: loss {loss}\nTesting the model...\n" for i, loss in enumerate(LOSS)))
    assert values(run, "train_loss") == LOSS


def test_what_stands_in_brackets_after_a_name() -> None:
    run = one("".join(f"Epoch {i}: Loss (G): 2.5 Loss (D): 0.{i} Accuracy (%): 8{i}.5 f1 (micro avg)  0.{i}\n" for i in range(3)))
    assert values(run, "train_accuracy") == [80.5, 81.5, 82.5]
    assert values(run, "train_d_loss") == [0, 0.1, 0.2]
    assert values(run, "train_f1") == [0, 0.1, 0.2]


MATLAB = (
    "|  Epoch  |  Iteration  |  Time Elapsed  |  Mini-batch  |  Validation  |  Mini-batch  |  Validation  |  Base Learning  |\n"
    "|         |             |   (hh:mm:ss)   |   Accuracy   |   Accuracy   |     Loss     |     Loss     |      Rate       |\n"
    f"|{'=' * 113}|\n"
    "|       1 |           1 |       00:00:01 |       12.50% |       15.00% |       2.5000 |       2.7500 |          0.0100 |\n"
    "|       1 |          50 |       00:00:09 |       50.00% |              |       1.5000 |              |          0.0100 |\n"
    "|       2 |         100 |       00:00:19 |       75.00% |       60.00% |       1.0000 |       1.2500 |          0.0100 |\n"
)


def test_a_header_of_two_lines() -> None:
    run = one("Training on single CPU.\n" + MATLAB)
    assert values(run, "train_loss") == [2.5, 1.5, 1.0]
    assert values(run, "val_loss") == [2.75, 1.25]
    assert values(run, "train_accuracy") == [12.5, 50, 75]
    assert steps(run, "val_accuracy") == [1, 100]
    assert values(run, "lr") == [0.01] * 3
    words = "average  since    example  current\nloss     last     counter  label\n2.5  2.5  1  1.0\n1.5  0.5  2  -1.0\n1.0  0.5  4  1.0\n"
    run = one("Num weight bits = 18\n" + words)
    assert values(run, "train_loss") == [2.5, 1.5, 1.0]
    assert steps(run, "train_loss") == [1, 2, 4]


def test_scores_of_spacy_are_of_the_development_set() -> None:
    rows = (f"  {i}     {i}00  1.5   9{i}.5  5{i}.25    0.52\n" for i in range(3))
    run = one("E    #       LOSS NER  TAG_ACC  ENTS_F  SCORE\n" + "".join(rows))
    assert values(run, "val_ents_f1") == [50.25, 51.25, 52.25]
    assert values(run, "val_accuracy") == [90.5, 91.5, 92.5]
    assert "train_accuracy" not in run.curves


def test_epoch_and_batch_in_one_bracket() -> None:
    run = one("".join(f"[{epoch}, {batch:5d}] loss: 1.5\n" for epoch in (1, 2) for batch in (2000, 4000)))
    assert steps(run, "train_loss")[:2] == [2000, 4000]
    assert run.epochs == 2


def test_a_summary_belongs_to_the_split_before_it() -> None:
    run = one(PRINTED["ImageNet example"])
    assert values(run, "val_accuracy") == [31.0] * 4
    assert values(run, "train_accuracy") == [10.0] * 4
    assert steps(run, "val_loss") == steps(run, "train_loss")


@pytest.mark.parametrize("line", ["Episode {i}\tAverage Score: {score:.2f}\n", "global_step={i}, episodic_return={score}\nSPS: 100\n"])
def test_scores_of_episodes(line: str) -> None:
    run = one("".join(line.format(i=i, score=20.5 + i) for i in range(4)))
    assert values(run, "reward") == [20.5, 21.5, 22.5, 23.5]
    assert steps(run, "reward") == [0, 1, 2, 3]


def test_the_length_of_an_episode_is_no_clock() -> None:
    run = one("".join(f"Episode {i} Step {9 + i * 7 % 5}: Training Loss {1 / i:.3f}, Return {i}.0\n" for i in range(1, 31)))
    assert steps(run, "reward") == list(range(1, 31))


def test_a_score_beside_losses_is_of_validation() -> None:
    """fastai's tables, Hugging Face's in a notebook; Keras names both."""
    run = one("epoch,train_loss,valid_loss,accuracy\n0,2.0,2.5,0.5\n1,1.5,2.0,0.75\n")
    assert values(run, "val_accuracy") == [0.5, 0.75]
    assert "train_accuracy" not in run.curves
    assert "train_accuracy" in one("epoch,loss,val_loss,accuracy\n0,2.0,2.5,0.5\n1,1.5,2.0,0.75\n").curves


def test_printed_boxes() -> None:
    text = "".join(
        f"-----------------------------\n| rollout/           |      |\n|    ep_rew_mean     | {20 + i} |\n| time/              |      |\n"
        f"|    total_timesteps | {2048 * i} |\n| train/             |      |\n"
        f"|    value_loss      | 9.5  |\n-----------------------------\n"
        for i in range(3)
    )
    run = one(text)
    assert values(run, "reward") == [20, 21, 22]
    assert steps(run, "reward") == [0, 2048, 4096]
    assert "val_loss" not in run.curves


# --- steps and runs ---


def test_runs_appended() -> None:
    data = PLAIN + PLAIN.partition("\n")[2] + PLAIN
    runs = read("-", stdin=data.encode())
    assert [values(run, "train_loss") for run in runs] == [LOSS] * 3
    assert [run.name for run in runs] == ["#1", "#2", "#3"]


def test_a_run_column() -> None:
    rows = [[run, step, 1.0 + (run == "b")] for step in range(5) for run in ("b", "a")]
    b, a = read("-", stdin=table(["run", "step", "loss"], rows).encode())
    assert (b.name, values(b, "train_loss"), steps(b, "train_loss")) == ("b", [2.0] * 5, [0, 1, 2, 3, 4])
    assert (a.name, values(a, "train_loss")) == ("a", [1.0] * 5)


def test_a_resume_is_joined() -> None:
    walk = [*range(0, 80, 10), *range(50, 120, 10)]
    run = one(table(["step", "loss"], [[step, 100 * (i >= 8) + step] for i, step in enumerate(walk)]))
    assert steps(run, "train_loss") == list(range(0, 120, 10))
    assert values(run, "train_loss")[4:6] == [40, 150]
    assert any("resumed at step 50" in note for note in run.notes)


def test_validation_first_belongs_to_its_run() -> None:
    rows = [row for _ in range(2) for row in [[0, "", 9.0], *[[step, 1.0, ""] for step in range(1, 5)], [4, "", 8.0]]]
    runs = read("-", stdin=table(["step", "train_loss", "val_loss"], rows).encode())
    assert [(steps(run, "val_loss"), values(run, "val_loss")) for run in runs] == [([0, 4], [9.0, 8.0])] * 2


def test_interleaved_runs_are_refused() -> None:
    rows = [[step, 1.0] for pair in zip(range(0, 40), range(20, 60), strict=True) for step in pair]
    with pytest.raises(UnreadableLog, match="interleaved"):
        one(table(["step", "loss"], rows))


def test_steps_within_epochs_go_on() -> None:
    run = one(table(["epoch", "batch", "loss"], [[epoch, batch, 1.0] for epoch in range(3) for batch in range(0, 100, 50)]))
    assert (np.diff(steps(run, "train_loss")) > 0).all()
    assert run.epochs == 3  # counted from 0


@pytest.mark.parametrize("validation", [{"step": None}, {"mode": "val", "iter": 30}], ids=["mmengine", "mmcv"])
def test_a_validation_that_counts_something_else(validation: dict[str, Any]) -> None:
    """mmengine numbers its validation by the epoch, mmcv by its batches; both stand where the training had come to."""
    rows: list[dict[str, Any]] = []
    for epoch in range(1, 4):
        for at in (50, 100):
            counted = {"step": (epoch - 1) * 117 + at} if "step" in validation else {"mode": "train", "iter": at}
            rows.append({**counted, "epoch": epoch, "loss": 1.0})
        rows.append({**validation, "step": epoch} if "step" in validation else {**validation, "epoch": epoch})
        rows[-1]["bbox_mAP"] = 0.1 * epoch
    run = one("\n".join(map(json.dumps, rows)))
    assert len(run.curves["train_loss"]) == 6
    assert steps(run, "val_bbox_map") == steps(run, "train_loss")[1::2]


def test_many_rows_an_epoch() -> None:
    run = one(table(["epoch", "loss"], [[epoch, 1.0] for epoch in range(3) for _ in range(4)]))
    assert steps(run, "train_loss") == list(range(12))
    assert run.curves["train_loss"].epoch is not None


def test_no_step_twice() -> None:
    run = one("step,loss\n0,3.0\n1,2.0\n1,1.0\n2,0.5\n")
    assert (steps(run, "train_loss"), values(run, "train_loss")) == ([0, 1, 2], [3.0, 1.0, 0.5])


# --- options and errors ---


def test_map() -> None:
    data = "epoch,fehler,loss\n0,1.0,5\n1,2.0,5\n"
    assert values(one(data, mapping={"val_loss": "fehler"}), "val_loss") == [1.0, 2.0]
    run = one(data, mapping={"train_loss": "fehler"})
    assert (values(run, "train_loss"), run.columns["train_loss"]) == ([1.0, 2.0], "fehler")
    with pytest.raises(UsageError, match=r"fehlr.*fehler"):
        one(data, mapping={"train_loss": "fehlr"})


def test_reader_by_name() -> None:
    assert one(PLAIN, reader="csv").reader == "csv"
    with pytest.raises(UsageError, match="keras_csv"):
        one(PLAIN, reader="keras")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (bytes(range(256)) * 40, "binary"),
        (b"step,foo,bar\n1,2,3\n2,3,4\n", r"no loss.*step, foo, bar.*--map"),
        (b"Traceback (most recent call last):\n  File x\nValueError: no\n", "no table"),
        (b"epoch,loss,val_loss\n", "no rows yet|no table"),
        (b'{"loss": [1, 2 3], "val', "JSON"),
        (gzip.compress(PLAIN.encode() * 9, mtime=0)[:-20], "damaged"),
    ],
)
def test_what_cannot_be_read_ends_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableLog, match=sentence) as error:
        one(data)
    assert "\n" not in str(error.value)


def test_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(UnreadableLog, match="no training log"):
        read(tmp_path)
    (tmp_path / "notes.txt").write_text("hello\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "metrics.csv").write_text(PLAIN)
    (tmp_path / "a" / "same.csv").write_text(PLAIN)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "log.csv").write_text(PLAIN)
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    assert [Path(run.source).name for run in read(tmp_path)] == ["metrics.csv", "log.csv"]
    with pytest.raises(LossDoctorError):
        read(tmp_path / "notes.txt")


def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(PLAIN)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        with pytest.raises(UnreadableLog, match="permission"):
            read(path)


def test_another_run_below_with_other_columns() -> None:
    """The same number of columns, one of them another: nothing is read under the first header's names."""
    first, second = read("-", stdin=b"epoch,loss,acc\n0,2.5,0.1\n1,2.0,0.2\nepoch,lr,loss\n0,0.1,2.25\n1,0.1,1.75\n2,0.1,1.5\n")
    assert (first.curves["train_loss"].value.tolist(), first.curves["train_accuracy"].value.tolist()) == ([2.5, 2.0], [0.1, 0.2])
    assert (second.curves["train_loss"].value.tolist(), second.curves["lr"].value.tolist()) == ([2.25, 1.75, 1.5], [0.1] * 3)
    first, second = read("-", stdin=b"epoch,loss\n0,2.5\n1,2.0\n2,1.75\nepoch,lr,loss,val_loss\n0,0.1,2.25,3.0\n1,0.1,1.5,2.5\n")
    assert second.curves["val_loss"].value.tolist() == [3.0, 2.5]


def test_another_run_below_in_a_large_table() -> None:
    rows = "".join(f"{i},{2 / (i + 1):.6f}\n" for i in range(9000))
    first, second = read("-", stdin=f"epoch,loss\n{rows}epoch,lr,loss\n{rows.replace(',', ',0.1,')}".encode())
    assert first.curves["train_loss"].value.tolist() == second.curves["train_loss"].value.tolist()
    assert len(second.curves["lr"]) == 9000


def test_a_decimal_comma_in_quotes() -> None:
    (run,) = read("-", stdin=b'epoch,loss,val_loss\n1,"2,31","2,4"\n2,"1,95","2,05"\n3,"1,51","1,75"\n')
    assert run.curves["train_loss"].value.tolist() == [2.31, 1.95, 1.51]
    (run,) = read("-", stdin=b'step,loss\n"1,000",2\n"2,000",1\n"3,000",1\n')
    assert "train_loss" in run.curves


def test_lists_of_objects_stand_beside_lists_of_numbers() -> None:
    losses = {"train_loss": LOSS, "val_loss": [loss + 0.25 for loss in LOSS]}
    scores = [{"mae": loss / 2, "r2": -loss} for loss in LOSS]
    run = one(json.dumps({**losses, "val_metrics": scores, "config": {"layers": [64, 64]}}))
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_mae") == [loss / 2 for loss in LOSS]


def test_lists_of_objects_are_split_by_their_names() -> None:
    train = [{"step": 10 * i, "loss": loss} for i, loss in enumerate(LOSS)]
    run = one(json.dumps({"train": train, "valid": [{"step": 20, "loss": 1.25}, {"step": 40, "loss": 1.0}]}))
    assert values(run, "train_loss") == LOSS
    assert (steps(run, "val_loss"), values(run, "val_loss")) == ([20, 40], [1.25, 1.0])


def test_a_shorter_list_keeps_its_own_axis_or_is_spread() -> None:
    data = {"steps": [10, 20, 30, 40, 50], "loss": LOSS, "eval_steps": [25, 50], "eval_loss": [1.25, 0.75]}
    assert steps(one(json.dumps(data)), "val_loss") == [25, 50]
    assert values(one(json.dumps({"loss": [str(loss) for loss in LOSS]})), "train_loss") == LOSS
    planned = {"epochs": list(range(1, 101)), "loss": LOSS}
    assert steps(one(json.dumps(planned)), "train_loss") == [1, 2, 3, 4, 5]
    bare = {"epochs": [1, 2, 3, 4, 5, 6], "loss": [*LOSS, 0.25], "val_loss": [1.5, 1.0, 0.5]}
    assert steps(one(json.dumps(bare)), "val_loss") == [2, 4, 6]


@pytest.mark.parametrize("end", ['\n  "lr": [\n    ', ' "lr": [0.1, 0.0', ' "note": "unfin', ' "l', ""])
def test_a_history_that_breaks_off_is_read_up_to_there(end: str) -> None:
    run = one(json.dumps({"loss": LOSS, "val_loss": LOSS}, indent=2).rstrip("\n}") + "," + end)
    assert values(run, "val_loss") == LOSS
    assert any("breaks off" in note for note in run.notes)


def test_json_that_is_unsound_within_is_refused() -> None:
    with pytest.raises(UnreadableLog, match="not sound JSON"):
        one('{"loss": [1.0, oops, 0.5],\n "val_loss": [1.0')


@pytest.mark.parametrize(
    ("header", "row"),
    [("epoch,loss,val_loss", "{0},{1},{2},"), ("epoch,loss,val_loss,", "{0},{1},{2}"), ("epoch,loss,val_loss,", "{0},{1},{2},")],
)
def test_a_comma_may_end_the_lines(header: str, row: str) -> None:
    run = one("\n".join([header, *(row.format(*cells) for cells in ROWS), ""]))
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_loss") == [loss + 0.25 for loss in LOSS]


def test_rows_longer_than_the_header_are_told() -> None:
    rows = [*ROWS, *([i, 0.5, 0.75] for i in range(5, 20)), [20, 0.5, 0.6, 0.7], [21, 0.5, 0.6, 0.7]]
    run = one(table(["epoch", "train_loss", "val_loss"], rows))
    assert len(run.curves["train_loss"]) == 20
    assert any("2 rows that have more cells" in note for note in run.notes)


def test_a_lone_column_of_numbers_is_called_as_its_file_is(tmp_path: Path) -> None:
    log = tmp_path / "train_loss.txt"
    log.write_text("".join(f"{loss:.18e}\n" for loss in LOSS))
    assert values(read(log)[0], "train_loss") == LOSS
    with pytest.raises(LossDoctorError, match="--map train_loss='1'"):
        one("".join(f"{loss}\n" for loss in LOSS))


def test_cells_with_an_error_beside_the_value() -> None:
    run = one("epoch,train_loss,val_loss\n" + "".join(f"{i},{loss} ± 0.01,{loss} +/- 0.02\n" for i, loss in enumerate(LOSS)))
    assert values(run, "train_loss") == values(run, "val_loss") == LOSS


def test_initials_name_the_split_where_both_stand_there() -> None:
    run = one(table(["epoch", "t_loss", "v_loss"], ROWS))
    assert values(run, "train_loss") == LOSS
    assert values(run, "val_loss") == [loss + 0.25 for loss in LOSS]
    assert "val_loss" not in one(table(["epoch", "policy_loss", "v_loss"], ROWS)).curves


def test_rewards_of_several_environments_are_averaged() -> None:
    run = one(table(["episode", "env_1_reward", "env_2_reward"], [[i, 10.0 * i, 30.0 * i] for i in range(5)]))
    assert values(run, "reward") == [0, 20, 40, 60, 80]


def test_the_hint_names_no_column_that_is_known() -> None:
    with pytest.raises(LossDoctorError, match="--map train_loss='quality'"):
        one("epoch,quality,lr\n0,1.0,0.1\n1,0.5,0.1\n")


def test_a_run_whose_episodes_begin_anew_is_another() -> None:
    """Its first episode is longer than that of the run before, so that its steps do not fall back to the start."""
    first = "".join(f"{i},{100 * i},{loss}\n" for i, loss in enumerate(LOSS, 1))
    second = "".join(f"{i},{150 + 120 * i},{loss + 1}\n" for i, loss in enumerate(LOSS, 1))
    header = "episode,step,loss\n"
    runs = read("-", stdin=(header + first + header + header + second).encode())
    assert [values(run, "train_loss") for run in runs] == [LOSS, [loss + 1 for loss in LOSS]]
    resumed = one("epoch,step,loss\n0,100,2\n0,200,1.5\n0,300,1.25\n0,200,1.75\n0,300,1.0\n1,400,0.5\n")
    assert values(resumed, "train_loss") == [2, 1.75, 1.0, 0.5]


def test_a_validation_loss_may_be_called_by_its_name() -> None:
    named = one(
        table(["epoch", "train_loss", "val_mse", "val_rmse"], [[i, loss, loss + 0.25, (loss + 0.25) ** 0.5] for i, loss in enumerate(LOSS)])
    )
    assert values(named, "val_loss") == [loss + 0.25 for loss in LOSS]
    assert any("val_mse taken for the validation loss" in note for note in named.notes)
    other_scale = one(table(["epoch", "train_loss", "val_mse"], [[i, loss, 100 * loss] for i, loss in enumerate(LOSS)]))
    assert "val_loss" not in other_scale.curves


def test_how_often_there_is_a_reward_is_no_reward() -> None:
    run = one(table(["step", "reward_loss", "reward_rate"], [[i, loss, 0.0] for i, loss in enumerate(LOSS)]))
    assert "reward" not in run.curves


def test_a_score_is_the_reward_where_episodes_are_counted() -> None:
    rows = [[i, 10 * loss, 0.9**i] for i, loss in enumerate(LOSS)]
    assert values(one(table(["episode", "score", "epsilon"], rows)), "reward") == [10 * loss for loss in LOSS]
    assert list(one(table(["epoch", "score", "loss"], rows)).curves) == ["train_loss"]


def test_a_log_that_begins_within_an_epoch() -> None:
    bar = "100/100 [==============================] - 2s 2ms/step - loss: {} - val_loss: {}"
    lines = [bar.format(0.9, 0.95), *(line for epoch in (4, 5) for line in (f"Epoch {epoch}/9", bar.format(1.2 / epoch, 1.3 / epoch)))]
    run = one("\n".join(lines))
    assert steps(run, "val_loss") == [3, 4, 5]
    assert values(run, "train_loss") == pytest.approx([0.9, 0.3, 0.24])


def test_a_long_message_with_a_colon_is_no_heading_for_the_next_epoch() -> None:
    fit = "Epoch 1/1\n50/50 [==============================] - 1s - loss: {}\n  dev acc: 0.5"
    text = "-> making dev inputs once:\n" + "\n".join(fit.format(1 - at / 10) for at in range(4))
    assert values(one(text), "train_loss") == pytest.approx([1.0, 0.9, 0.8, 0.7])


def test_a_meter_that_blew_up() -> None:
    lines = [f"Epoch: [1][{at}/9] Time 0.1 (0.1)  Loss {loss}" for at, loss in enumerate(["2.0 (2.0)", "nan (nan)", "nan (nan)"])]
    run = one("\n".join(lines))
    assert math.isnan(values(run, "train_loss")[-1])
    assert set(run.curves) == {"train_loss"}


def test_cells_left_blank_under_a_header() -> None:
    rows = ["epoch       main/loss   validation/main/loss  main/accuracy"]
    rows += [f"{at:<10}  {3 / at:<10.4f}  {'' if at % 2 else 4 / at:<20}  {at / 10}" for at in range(1, 7)]
    run = one("\n".join(rows))
    assert values(run, "val_loss") == pytest.approx([4 / at for at in (2, 4, 6)])
    assert steps(run, "val_loss") == [2, 4, 6]
    assert values(run, "train_accuracy") == pytest.approx([at / 10 for at in range(1, 7)])


def test_a_bar_after_the_cells_of_a_row() -> None:
    row = "     Epoch  box_loss  cls_loss\n     {}/9   0.5   {}: 100%|█████| 20/20 [00:16<00:00,\n"
    run = one("\n".join(row.format(at, 1 / (at + 1)) for at in range(4)))
    assert values(run, "train_cls_loss") == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert steps(run, "train_cls_loss") == [0, 1, 2, 3]


def test_columns_that_are_still_to_be_measured() -> None:
    run = one("epoch,train_loss,val_loss,map,recall\n" + "".join(f"{at},{3 / at},{4 / at}\n" for at in range(1, 6)))
    assert values(run, "val_loss") == pytest.approx([4 / at for at in range(1, 6)])


def test_games_that_were_lost_are_no_loss() -> None:
    rows = [[at, 10 + at, 20 - at, 1 / (at + 1)] for at in range(6)]
    assert values(one(table(["epoch", "wins", "losses", "train_loss"], rows)), "train_loss")[0] == 1.0
    assert "train_loss" not in one(table(["epoch", "wins", "losses", "val_accuracy"], rows)).curves


def test_a_count_at_the_beginning_of_a_line() -> None:
    run = one("\n".join(f"{1000 * at} / 9000 eps 0.9 |  Loss {2 / at:.3e} | Grad 5.5e-03" for at in range(1, 5)))
    assert steps(run, "train_loss") == [1000, 2000, 3000, 4000]


def test_of_a_pass_over_test_batches_the_last_mean_counts() -> None:
    run = one("\n".join(f"Test: [{at}/40]  Time 0.1 (0.1)  Loss {1 + at % 3} ({at / 10})" for at in range(0, 40, 10)))
    assert values(run, "test_loss") == [3.0]
    plain = one("\n".join(f"{{'loss': {2 - at / 9}, 'lr': 0.1}}" for at in range(4)))
    assert steps(plain, "train_loss") == [0, 1, 2, 3]


def test_a_count_before_its_name() -> None:
    line = "2024-01-02 10:00:00,100 (trainer:700) INFO: 3epoch:train:{}-{}batch: iter_time=0.1, loss={}, lr_0=0.1"
    run = one("\n".join(line.format(50 * at + 1, 50 * at + 50, 2 - at / 10) for at in range(4)))
    assert steps(run, "train_loss") == [50, 100, 150, 200]


def test_means_of_a_training_tick() -> None:
    tick = '{"Loss/G/loss": {"num": 9, "mean": 1.5, "std": 0.1}, "Loss/scores/real": {"num": 9, "mean": -0.5, "std": 0.1}}'
    assert values(one(tick), "train_g_loss") == [1.5]
    assert len(one(f"{tick}\n{tick}").curves["train_g_loss"]) == 2


def test_scores_that_a_program_calls_by_its_own_name_are_of_validation() -> None:
    said = ("Epoch {0}", "train_loss 0.{0}", "val_loss 0.{0}", "Pseudo dice [0.{0}, 0.5]", "Yayy! New best EMA pseudo Dice: 0.9")
    run = one("\n".join(f"2024-01-02 10:00:00.12: {line}".format(at) for at in range(1, 5) for line in said))
    assert len(run.curves["val_dice"]) == 4
    assert "train_dice" not in run.curves


def test_models_one_below_the_other_are_runs() -> None:
    rows = [[model, at, 1 / at] for model in ("lenet", "vgg") for at in range(1, 6)]
    assert [run.name for run in read("-", stdin=table(["Model", "Epoch", "Train Loss"], rows).encode())] == ["lenet", "vgg"]


def test_a_level_of_logging_is_no_part_of_a_name() -> None:
    for epoch in ("Epoch {}", "Epoch: {}"):
        run = one("\n".join(f"2024-01-02 10:00:00 INFO {epoch.format(at)} loss {3 / at}" for at in range(4, 8)))
        assert steps(run, "train_loss") == [4, 5, 6, 7]


def test_what_is_logged_twice_counts_once() -> None:
    line = "2024-01-02 10:00:0{} INFO Epoch {} CV info cv_loss {}"
    run = one("\n".join(line.format(again, at, 2 / at) for at in range(1, 6) for again in (1, 2)))
    assert values(run, "val_loss") == pytest.approx([2 / at for at in range(1, 6)])
    assert steps(run, "val_loss") == [1, 2, 3, 4, 5]


def test_of_several_processes_that_name_their_rank_behind_one_counts() -> None:
    line = "DEBUG TRAIN Batch {}/9 loss {} lr 0.1 rank {}"
    run = one("\n".join(line.format(at, at + rank / 10, rank) for at in range(1, 5) for rank in (1, 0)))
    assert values(run, "train_loss") == pytest.approx([1.1, 2.1, 3.1, 4.1])


def test_a_best_round_at_the_end_makes_no_boosting_log() -> None:
    table = "Epoch\tTraining Loss\tValidation Loss\n" + "".join(f"{at}\t{2 / at}\t{3 / at}\n" for at in range(1, 6))
    run = one(f"{table}\nEarly stopping, best iteration is:\n[7]\tvalid_0's binary_logloss: 0.1\n")
    assert values(run, "val_loss") == pytest.approx([3 / at for at in range(1, 6)])


def test_catboost_tells_by_its_best_which_way_its_metric_is_better() -> None:
    def log(scores: list[float], best: Any) -> str:
        return "".join(
            f"{at}:\tlearn: {score:.4f}\ttest: {score - 0.01:.4f}\tbest: {best(scores[: at + 1]) - 0.01:.4f} (0)\ttotal: 1s\n"
            for at, score in enumerate(scores)
        )

    up, down = [0.6, 0.7, 0.72, 0.71, 0.73, 0.74], [0.6, 0.5, 0.4, 0.41, 0.39, 0.38]
    assert values(one(log(up, max)), "val_auc") == pytest.approx([score - 0.01 for score in up])
    assert values(one(log(sorted(up), max)), "train_auc") == pytest.approx(sorted(up))
    assert values(one(log(down, min)), "val_loss") == pytest.approx([score - 0.01 for score in down])


def test_a_name_that_is_a_split_tells_the_split_of_its_row() -> None:
    rows = [
        {"name": name, "epoch": at, "average loss": (2 if name == "train" else 3) / at}
        for at in range(1, 6)
        for name in ("train", "validation")
    ]
    run = one("\n".join(map(json.dumps, rows)))
    assert values(run, "train_loss") == pytest.approx([2 / at for at in range(1, 6)])
    assert values(run, "val_loss") == pytest.approx([3 / at for at in range(1, 6)])


def test_what_stands_without_an_epoch_at_the_end_is_no_epoch() -> None:
    lines = [f"Epoch {epoch}, Loss: {1 / epoch:.3f}" for epoch in range(1, 7)]
    run = one("\n".join([*lines, "", "- Loss: 0.9"]))
    assert (steps(run, "train_loss"), values(run, "train_loss")[-1]) == ([1, 2, 3, 4, 5, 6], 0.167)


def test_runs_that_call_a_metric_by_other_names() -> None:
    text = "".join(f"Epoch {epoch}: loss: 0.5 - {name}: 0.{epoch}\n" for name in ("accuracy", "acc") for epoch in (1, 2, 3))
    runs = read("-", stdin=text.encode())
    assert [values(run, "train_accuracy") for run in runs] == [[0.1, 0.2, 0.3]] * 2


def test_an_evaluation_after_epochs_with_validation_is_of_a_test() -> None:
    bar = "{0}/{0} [==========] - 1s - loss: {1}"
    run = one("\n".join(f"Epoch {i}/3\n{bar.format(26, 1 / i)} - val_loss: {2 / i}" for i in (1, 2, 3)) + "\n\n" + bar.format(20, 0.9))
    assert [(label, len(found)) for label, found in run.curves.items()] == [("train_loss", 3), ("val_loss", 3), ("test_loss", 1)]
