"""Whatever the bytes, reading ends in runs or in one sentence."""

from __future__ import annotations

import json
import random
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossdoctor.core.discover import readers
from lossdoctor.core.errors import LossDoctorError
from lossdoctor.core.run import Run
from lossdoctor.core.wire import masked_crc32c
from lossdoctor.read import read

CSV = b"step,epoch,train_loss,val_loss,lr\n" + b"".join(b"%d,%d,%f,,0.1\n" % (i, i // 3, 1 / (1 + i)) for i in range(12))
SEEDS = {
    "csv": CSV,
    "semicolon": CSV.replace(b",", b";").replace(b".", b","),
    "jsonl": b"".join(json.dumps({"iter": i, "loss": 1 / (1 + i), "x": {"lr": [0.1]}}).encode() + b"\n" for i in range(9)),
    "history": json.dumps({"loss": [3, 2, 1], "val_loss": [3, 2, 2]}).encode(),
    "hf": json.dumps({"global_step": 1, "log_history": [{"step": i, "loss": 1.0, "epoch": i / 3} for i in range(9)]}).encode(),
    "sacred": json.dumps({"loss": {"steps": [0, 1], "timestamps": ["a", "b"], "values": [1, 2]}}).encode(),
    "text": b"".join(b"Epoch [%d/9], Step [1/5], Loss: %f, Acc: 3/5\nval loss 2.5 | lr: 1e-3\n" % (i, 1 / (1 + i)) for i in range(9)),
    "keras": b"".join(b"Epoch %d/9\n5/5 [====] - 1s 2ms/step - loss: 0.5 - val_loss: 0.7\n" % i for i in range(1, 9)),
    "xgboost": b"".join(b"[%d]\ttrain-rmse:%f\teval-rmse:2.5\n" % (i, 1 / (1 + i)) for i in range(9)),
    "yolov5": b" 0/4 2.19G 0.1 0.2 0.3 0.6 27 640 0.5 0.6 0.7 0.4 0.01 0.02 0.03\n" * 3,
    "export": b'"Step","a - loss","a - loss__MIN"\n"0","1","1"\n"1","2","2"\n',
    "kaldi": b"%Iter\tduration\ttrain_objective\n0\t4\t-1\n1\t4\t-0.5\n",
    "darknet": b"1: 9.5, 9.5 avg loss, 0.001 rate, 5 seconds, 64 images\n" * 3,
    "monitor": b'#{"t_start": 1}\nr,l,t\n-200.0,200,1.3\n-150.0,150,2.3\n',
    "catboost": b'{"meta":{"learn_metrics":[{"name":"Logloss"}]},"iterations":[\n{"learn":[0.5],"iteration":0}]}',
    "wandb": b":W&B" + struct.pack("<HB", 0xBEE1, 0) + bytes(range(64)),
    "sqlite": b"SQLite format 3\0" + b"latest_metrics" * 9,
    "gzip": b"\x1f\x8b\x08\x00" + bytes(range(40)),
}
QUIET = settings(max_examples=60, deadline=5000, suppress_health_check=list(HealthCheck))


FIXTURES = Path(__file__).parent / "fixtures"
REAL = sorted(path for path in FIXTURES.glob("*/log/**/*") if path.is_file() and path.name != "meta.yaml")


def examine(data: bytes, reader: str | None = None, path: Path | None = None) -> None:
    """Read ``data`` from standard input, or from the file at ``path``."""
    if path is not None:
        path.write_bytes(data)
    try:
        runs = read(path or "-", stdin=data, reader=reader)
    except LossDoctorError as error:
        sentence = str(error)
        if not sentence or "\n" in sentence:
            raise AssertionError(f"no sentence: {sentence!r}") from error
        return
    assert runs
    for run in runs:
        assert isinstance(run, Run)
        for curve in run.curves.values():
            assert len(curve.step) == len(curve.value) > 0
            assert (curve.step[1:] > curve.step[:-1]).all()


@QUIET
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    examine(data)


@QUIET
@given(st.text(alphabet="0123456789.,;:=|/[](){}\"' \t\n-+eEnaifloss epoch", max_size=300))
def test_arbitrary_text(text: str) -> None:
    examine(text.encode())


@pytest.mark.parametrize("seed", SEEDS)
def test_mutated_logs(seed: str) -> None:
    """Bytes flipped, dropped, doubled and swapped; deterministic, so that a failure can be seen again."""
    for number in range(40):
        chance = random.Random(number)
        data = bytearray(SEEDS[seed])
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            size = chance.randrange(1, 9)
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1 and len(data) > 20:
                del data[at : at + size]
            elif kind == 2:
                data[at:at] = data[at : at + size] * chance.randrange(1, 4)
            else:
                data[at : at + size] = chance.choice([b"nan", b"-1e999", b"\n", b",", b'"', b"{", b"\0", b"9" * 400, b"\xff\xfe"])
        examine(bytes(data))


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[float, int, bytes]]:
    """Where in a file, as a share of it, how many bytes are taken away, and what is put there."""
    bytes_ = st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff" * 9, b"nan", b"9" * 400, b"\0" * 64, b"\x80" * 12]))
    return draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), bytes_), min_size=1, max_size=4))


@pytest.mark.parametrize("file", REAL, ids=lambda file: str(file.relative_to(FIXTURES)))
@settings(QUIET, max_examples=40)
@given(mutations=mutations())
def test_mutated_logs_of_real_loggers(file: Path, mutations: list[tuple[float, int, bytes]]) -> None:
    data = file.read_bytes()
    for share, size, put in mutations:
        at = int(share * len(data))
        data = data[:at] + put + data[at + size :]
    with tempfile.TemporaryDirectory() as folder:
        examine(data, path=Path(folder) / file.name)


@QUIET
@given(st.lists(st.tuples(st.integers(1, 2**40), st.binary(max_size=60)), max_size=6), st.booleans())
def test_events_with_right_checksums(events: list[tuple[int, bytes]], cut: bool) -> None:
    """Damage that checksums cannot tell: messages of any bytes, in sound records."""
    data = b""
    for step, message in events:
        size = struct.pack("<Q", len(message) + 20)
        event = b"\x09" + struct.pack("<d", step) + b"\x10\x01" + b"\x2a" + bytes([len(message) + 7]) + b"\x0a\x05loss\x15" + message
        event = event[: len(message) + 20].ljust(len(message) + 20, b"\0")
        data += size + masked_crc32c(size).to_bytes(4, "little") + event + masked_crc32c(event).to_bytes(4, "little")
    examine(data[: -7 if cut else None] or b"\0")


@pytest.mark.parametrize("reader", [reader.name for reader in readers()])
@pytest.mark.parametrize("seed", ["csv", "jsonl", "text", "history", "wandb", "sqlite"])
def test_a_reader_forced_on_another_format(reader: str, seed: str) -> None:
    examine(SEEDS[seed], reader)


def test_hostile_sizes(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(20_000))
    examine((wide + ",loss\n" + ",".join(["1"] * 20_001) + "\n").encode())
    examine(b"loss: 0.5 " + b"x" * 30_000_000)
    examine(b"{" * 100_000)
    examine(b"[" * 100_000 + b"{")
    examine(b'{"loss":' * 5000 + b"1")
    examine(b"step,loss\n1," + b"9" * 1_000_000 + b"\n2,1\n")
    for i in range(300):
        (tmp_path / f"{i}.txt").write_text("nothing")
    with pytest.raises(LossDoctorError):
        read(tmp_path)
