"""What a look costs while a log grows, and which runs of the benchmark the watch would have stopped: python benchmarks/watch.py

    python benchmarks/watch.py --rows 1000 100000     # other lengths; the default goes to 5 million, a minute of writing and reading
    python benchmarks/watch.py --runs                 # the runs of benchmarks/runs, looked at as they grew; ten minutes
    python benchmarks/watch.py --live                 # trainings started under watch: 20 sound ones, and three that go wrong; three minutes

A look reads ten new rows (step, epoch, losses, learning rate) and judges the run anew. The seconds are processor time, the best of five;
beside them is what `diagnose` takes on the whole log. An event file of TensorBoard is read again as a whole at each look.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.reading import events
from benchmarks.runs.label import label, reach
from benchmarks.runs.store import load
from benchmarks.runs.tasks import TASKS
from lossdoctor.core.assemble import assemble
from lossdoctor.diagnose import diagnose
from lossdoctor.live.follow import Follower
from lossdoctor.live.stopping import Patience

HEALTHY = ("improving", "converged")
LOOKS = 1.1  # times as many rows at each look


def rows(first: int, last: int) -> Iterator[str]:
    noise = np.random.default_rng(first).normal(scale=0.05, size=last - first)
    for i in range(first, last):
        loss = 0.3 + 2 / (1 + i / 2000) ** 0.5 + noise[i - first]
        yield f"{i},{i // 5000},{loss:.6f},{'' if i % 1000 else f'{loss + 0.1:.6f}'},0.001\n"


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def cost(length: int, folder: Path) -> None:
    log = folder / f"{length}.csv"
    with log.open("w") as file:
        file.write("step,epoch,train_loss,val_loss,lr\n")
        for first in range(0, length, 500_000):
            file.writelines(rows(first, min(first + 500_000, length)))
    looked(log, ("".join(rows(at, at + 10)).encode() for at in range(length, length + 50, 10)), f"{length:>10,} rows   ")


def cost_of_events(length: int, folder: Path) -> None:
    log = folder / "events.out.tfevents.1.host"
    records = list(events(length + 50))
    log.write_bytes(b"".join(records[:-50]))
    looked(log, (b"".join(records[at : at + 10]) for at in range(length + 1, length + 51, 10)), f"{length:>10,} scalars")


def looked(log: Path, pieces: Iterable[bytes], name: str) -> None:
    """Print what it costs to look at a log whenever a piece was added."""
    follower = Follower(log)

    def look() -> None:
        diagnose(follower.look()[-1])

    first, looks = seconds(look), []
    for piece in pieces:
        with log.open("ab") as file:
            file.write(piece)
        looks.append(seconds(look))
    whole = seconds(lambda: diagnose(log))
    print(f"{name}: a look {1000 * min(looks):6.0f} ms, the first {first:6.2f} s, diagnose on the whole {whole:6.2f} s")
    log.unlink()


def stopped(run: dict, patience: Patience) -> tuple[int, str] | None:
    """At how many rows, and for what, a run is stopped that is looked at as it grows."""
    rows = zip(*run["log"].values(), strict=True)
    table = [{name: value for name, value in zip(run["log"], row, strict=True) if value is not None} for row in rows]
    count = 5
    while count < len(table):
        (diagnosis,) = diagnose(assemble(iter(table[:count]), source="", reader="")[-1])
        if objection := patience.lasting(diagnosis):
            return count, objection.rule
        count = max(count + 1, int(count * LOOKS))
    return None


def replay() -> None:
    runs = load()
    reached = reach(runs)
    for part in ("development", "test"):
        found = [
            (label(run, reached)["status"], run["recipe"]["fault"], len(run["log"]["step"]), stopped(run, Patience(hold=0)))
            for run in runs
            if TASKS[run["recipe"]["task"]].part == part
        ]
        sound = [each for each in found if each[1] == "sound" and each[0] in HEALTHY]
        healthy = [each for each in found if each[0] in HEALTHY]
        sick = [each for each in found if each[0] not in (*HEALTHY, "too_short")]
        saved = [1 - each[3][0] / each[2] for each in sick if each[3]]
        print(f"{part} runs, looked at as they grew, without the minute that a verdict must hold by default")
        print(f"  sound and healthy to the end     {sum(each[3] is not None for each in sound)} of {len(sound)} stopped")
        print(f"  healthy at the end, some faulty  {sum(each[3] is not None for each in healthy)} of {len(healthy)} stopped")
        print(f"  sick at the end                  {len(saved)} of {len(sick)} stopped, with {np.mean(saved):.0%} of their log to come")
        print(f"    for {dict(Counter(each[3][1] for each in sick if each[3]))}")


def live() -> None:
    """Start nets under watch, as a user would."""
    script = str(Path(__file__).with_name("live_training.py"))
    jobs = [("sound", 800, seed) for seed in range(20)] + [(kind, 20_000, 0) for kind in ("stall", "blow_up", "overflow")]
    for kind, epochs, seed in jobs:
        with tempfile.TemporaryDirectory() as folder:
            log = f"{folder}/run.csv"
            watch = [sys.executable, "-m", "lossdoctor", "watch", log, "--interval", "0.1s", "--hold", "0.2s"]
            training = ["--", sys.executable, script, log, kind, str(epochs), str(seed)]
            done = subprocess.run([*watch, *training], capture_output=True, text=True, check=False)
            rows = len(Path(log).read_text().splitlines()) - 1
        reason = "".join(line.partition("stops the training")[2] for line in done.stderr.splitlines())
        print(f"{kind:9} seed {seed:2}  {rows:6} of {epochs:6} epochs, exit {done.returncode}  {reason.lstrip(': ')}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000, 5_000_000])
    parser.add_argument("--events", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--runs", action="store_true")
    parser.add_argument("--live", action="store_true")
    options = parser.parse_args()
    if options.runs or options.live:
        replay() if options.runs else live()
        return
    with tempfile.TemporaryDirectory() as folder:
        for length in options.rows:
            cost(length, Path(folder))
        for length in options.events:
            cost_of_events(length, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} MB of memory at most, with diagnose on the whole; {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
