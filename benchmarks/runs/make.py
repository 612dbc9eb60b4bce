"""Trains all runs and freezes them: python -m benchmarks.runs.make [--jobs 2] [--only FAULT]

Each run is kept in build/runs as soon as it is done, so that a broken-off making goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from .recipes import RUNS, recipe
from .store import freeze, plain
from .training import train

CACHE = Path(__file__).parents[2] / "build" / "runs"


def make(number: int) -> float:
    """Train one run into the cache; the seconds it took."""
    target = CACHE / f"{number:04}.json"
    if target.exists():
        return 0.0
    begun = time.perf_counter()
    torch.set_num_threads(1)
    made = recipe(number)
    result = {"recipe": plain(made), **train(made)}
    scratch = target.with_suffix(".tmp")
    scratch.write_text(json.dumps(result))
    scratch.rename(target)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="a fault")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    numbers = [n for n in range(options.runs) if options.only in ("", recipe(n).fault)]
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        jobs = {pool.submit(make, n): n for n in numbers}
        for done, job in enumerate(as_completed(jobs), 1):
            print(f"{done}/{len(jobs)}  run {jobs[job]:4}  {recipe(jobs[job]).fault:22} {job.result():5.1f} s", flush=True)
    if not options.only:
        freeze([json.loads((CACHE / f"{n:04}.json").read_text()) for n in numbers])


if __name__ == "__main__":
    main()
