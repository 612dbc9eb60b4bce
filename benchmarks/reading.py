"""Speed and memory of reading logs against the parsers people use, in the same run.

    python benchmarks/reading.py            # minutes
    python benchmarks/reading.py 100        # a hundredth of the size, to see that it works

Each measurement is a process of its own: after one reading, the best of three in processor time, and the peak
of its memory. The peers parse the same columns or lines and stop there; we go on to runs. tensorboard and tbparse are measured where
they are installed, here or under the interpreter that LOGGERS names (``make fixtures`` installs them into build/loggers).
"""

from __future__ import annotations

import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from lossdoctor.core.wire import masked_crc32c

ROOT = Path(__file__).parent.parent
LOGGERS = Path(os.environ.get("LOGGERS", ROOT / "build" / "loggers" / "bin" / "python"))

MEASURE = """
import json, resource, sys, time
path = sys.argv[1]
{setup}
def work():
    {work}
work()
times = []
for _ in range(3):
    start = time.process_time()
    work()
    times.append(time.process_time() - start)
unit = 1024 if sys.platform != "darwin" else 1024 * 1024
print(json.dumps([min(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit]))
"""
OURS = ("from lossdoctor.read import read", "read(path)")
PANDAS = ("import pandas", 'pandas.read_csv(path, usecols=["step", "epoch", "train_loss", "val_loss", "lr"])')
JSON = ("", "[json.loads(line) for line in open(path)]")
LINES = ("import re; word = re.compile(r'(\\w+): ([0-9.e+-]+)')", "[word.findall(line) for line in open(path)]")
ACCUMULATOR = (
    "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator",
    'events = EventAccumulator(path, {"scalars": 0}).Reload(); [events.Scalars(tag) for tag in events.Tags()["scalars"]]',
)
TBPARSE = ("from tbparse import SummaryReader", "SummaryReader(path).scalars")


def table(rows: int) -> Iterator[bytes]:
    yield b"step,epoch,train_loss,val_loss,lr,note,gpu_memory,host\n"
    for i in range(rows):
        yield b"%d,%d,%.6f,%s,0.001,a note,%d,host-1\n" % (i, i // 1000, level(i), b"" if i % 100 else b"%.6f" % level(i), i % 7919)


def json_lines(rows: int) -> Iterator[bytes]:
    yield from (json.dumps({"step": i, "epoch": i // 1000, "loss": level(i), "lr": 0.001}).encode() + b"\n" for i in range(rows))


def printed(rows: int) -> Iterator[bytes]:
    yield from (b"Epoch: %d | step: %d | loss: %.4f | lr: 1.0e-03 | time: 12.5ms\n" % (i // 1000, i, level(i)) for i in range(rows))


def events(scalars: int) -> Iterator[bytes]:
    """As torch's SummaryWriter writes them: four tags in turn."""
    tags = (b"Loss/train", b"Loss/val", b"lr", b"Accuracy/train")
    yield record(b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2")
    for i in range(scalars):
        tag = tags[i % 4]
        value = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", level(i // 4))
        event = b"\x09" + struct.pack("<d", 1.6e9 + i) + b"\x10" + varint(i // 4)
        yield record(event + b"\x2a" + bytes([len(value) + 2]) + b"\x0a" + bytes([len(value)]) + value)


def record(event: bytes) -> bytes:
    size = struct.pack("<Q", len(event))
    return size + masked_crc32c(size).to_bytes(4, "little") + event + masked_crc32c(event).to_bytes(4, "little")


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def level(i: int) -> float:
    return 2 / math.sqrt(1 + i / 1000) + 0.1 * random.random()


def measure(program: tuple[str, str], path: Path, python: str = sys.executable) -> tuple[float, float] | None:
    """Seconds and MB; None where the program's package is not installed."""
    code = MEASURE.format(setup=program[0], work=program[1])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, env=environment)
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise SystemExit(done.stderr)
    seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, memory


Case = tuple[str, str, Callable[[int], Iterator[bytes]], int, str, dict[str, tuple[str, str]]]
CASES: list[Case] = [
    ("CSV", "log.csv", table, 1_000_000, "at most 1.3", {"pandas.read_csv": PANDAS}),
    ("CSV", "log.csv", table, 10_000_000, "at most 1.3", {"pandas.read_csv": PANDAS}),
    ("JSON lines", "log.jsonl", json_lines, 1_000_000, "at most 1.5", {"json.loads": JSON}),
    ("printed text", "train.log", printed, 200_000, "none set", {"re.findall": LINES}),
    ("event file", "events.out.tfevents.1.h", events, 1_000_000, "at most 0.33", {"EventAccumulator": ACCUMULATOR, "tbparse": TBPARSE}),
]


def main(divide: int = 1) -> None:
    print(f"{'log':14}{'rows':>12}{'lossdoctor':>12}{'MB':>7}  {'peer':18}{'seconds':>9}{'MB':>7}{'ratio':>8}  asked")
    for name, file, write, size, asked, peers in CASES:
        rows = size // divide
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            with path.open("wb") as out:
                out.writelines(write(rows))
            ours = measure(OURS, path)
            assert ours
            for peer, program in peers.items():
                theirs = measure(program, path)
                if theirs is None and LOGGERS.exists():
                    theirs = measure(program, path, str(LOGGERS))
                left = f"{name:14}{rows:12,}{ours[0]:12.2f}{ours[1]:7.0f}  {peer:18}"
                if theirs:
                    print(f"{left}{theirs[0]:9.2f}{theirs[1]:7.0f}{ours[0] / theirs[0]:8.2f}  {asked}", flush=True)
                else:
                    print(f"{left}not installed; make fixtures installs it", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
