"""Verdicts and repairs on the sample runs, as a user would get them from the command line.

    python benchmarks/samples.py            # the logs and the configs, some minutes
    python benchmarks/samples.py logs       # the logs alone, seconds

Of a config: the family of the first prescribed fix against the injected fault, and how much of the gap between the config as it
is and its sound twin is closed by training the fixed config. The metric is the last validation loss; where the classes are
imbalanced it is the validation balanced accuracy, because a loss that counts all samples alike is lowest for a net that says "no"
to all. Both are means over three seeds that the probe has not seen.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent.parent / "sample_runs"
SEEDS = (101, 102, 103)


def lossdoctor(*arguments: object) -> Any:
    """The report of a command, as the command line prints it."""
    command = [sys.executable, "-m", "lossdoctor", *map(str, arguments), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def expected(folder: Path) -> Any:
    return json.loads((folder / "expected.json").read_text())


def logs() -> None:
    folders = sorted(path.parent for path in SAMPLES.glob("*/expected.json"))
    width = max(len(folder.name) for folder in folders) + 2
    print(f"{'log':{width}}{'status':15}{'':7}{'true cause':18}first finding")
    right = 0
    for folder in folders:
        truth = expected(folder)
        log = next(path for path in folder.iterdir() if path.name != "expected.json")
        run = lossdoctor("diagnose", log)["runs"][0]
        first = next((f"{finding['code']} {finding['family']}" for finding in run["findings"]), "-")
        same = run["status"] == truth["status"]
        right += same
        print(f"{folder.name:{width}}{run['status']:15}{'' if same else 'WRONG':7}{truth['family'] or '-':18}{first}")
    print(f"{right} of {len(folders)} statuses right\n")


def configs() -> None:
    print(f"{'config':24}{'fault':17}{'prescribed first':24}{'as it is':>11}{'fixed':>11}{'sound':>11}{'gap closed':>12}{'seconds':>9}")
    for folder in sorted(path.parent for path in (SAMPLES / "probe").glob("*/expected.json")):
        truth = expected(folder)
        with tempfile.TemporaryDirectory() as scratch:
            fixed = Path(scratch) / "config.fixed.yaml"
            start = time.perf_counter()
            prescription = lossdoctor("probe", folder / "config.yaml", "--fixed", fixed)["prescription"]
            seconds = time.perf_counter() - start
            metric = "val_balanced_accuracy" if truth["family"] == "class_imbalance" else "val_loss"
            before, sound = level(folder / "config.yaml", metric), level(folder / "sound.yaml", metric)
            after = level(fixed, metric) if prescription else before
        first = prescription["fixes"][0] if prescription else None
        named = f"{first['code']} {first['family']}" if first else "-"
        wrong = (first["family"] if first else None) != truth["family"]
        closed = f"{(before - after) / (before - sound):12.0%}" if truth["family"] else f"{'-':>12}"
        numbers = f"{before:11.4g}{after:11.4g}{sound:11.4g}{closed}{seconds:9.1f}"
        print(f"{folder.name:24}{truth['family'] or '-':17}{named:24}{numbers}{'  WRONG' if wrong else ''}", flush=True)


def level(config: Path, metric: str) -> float:
    """The metric after the last epoch, mean over the seeds; a training that blew up counts as infinitely bad."""
    values = [lossdoctor("train", config, "--seed", seed)["last"][metric] for seed in SEEDS]
    return statistics.mean(float("inf") if value is None else value for value in values)


def main(what: str = "") -> None:
    logs()
    if what != "logs":
        configs()


if __name__ == "__main__":
    main(*sys.argv[1:])
