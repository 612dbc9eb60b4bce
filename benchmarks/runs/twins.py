"""Trains twins and freezes them: python -m benchmarks.runs.twins [--jobs 2]

The recipes of the first labelled runs, each without its fault with several seeds, and once with the fault: what differs between
seeds is noise, what differs between the sound and the faulty is not. Kept in build/twins as soon as they are done.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch

from .recipes import recipe
from .store import TWINS, freeze, plain
from .training import log

CACHE = Path(__file__).parents[2] / "build" / "twins"
RECIPES = 100
SEEDS = (0, 1, 2, 3)


def make(number: int) -> None:
    """Train the twins of one recipe into the cache."""
    target = CACHE / f"{number:04}.json"
    if target.exists():
        return
    torch.set_num_threads(1)
    sound, faulty = recipe(number, sound=True), recipe(number)
    made: dict[str, Any] = {"recipe": plain(faulty), "sound": [log(sound, seed) for seed in SEEDS]}
    if faulty.families:
        made["faulty"] = log(faulty, 0)
    scratch = target.with_suffix(".tmp")
    scratch.write_text(json.dumps(made))
    scratch.rename(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        jobs = {pool.submit(make, number): number for number in range(RECIPES)}
        for done, job in enumerate(as_completed(jobs), 1):
            job.result()
            print(f"{done}/{len(jobs)}  recipe {jobs[job]}", flush=True)
    freeze([json.loads((CACHE / f"{number:04}.json").read_text()) for number in range(RECIPES)], TWINS)


if __name__ == "__main__":
    main()
