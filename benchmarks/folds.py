"""What is proved on 20 validation examples, and whether it holds on hundreds that no search has seen: on the few alone, and over folds.

    python benchmarks/folds.py [--splits 3]

Sound trainings of scikit-learn's small data sets, and the same with a learning rate a thousand times too low; of each data set several
random splits. Every fix without a finding that gains with the first seed is verified as the probe does it: over seeds on the same
examples, and with other examples held out for each further seed. A proof is false where the fix does worse on the test examples.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
import numpy as np
import torch
from ruamel.yaml.comments import CommentedMap
from sklearn import datasets

from lossdoctor.core import discover
from lossdoctor.core.config import Config, ConfigFile
from lossdoctor.core.fix import EPOCHS, Settings
from lossdoctor.core.trial import Effect
from lossdoctor.lab.bench import NOTHING, Bench
from lossdoctor.lab.fit import Training, evaluate
from lossdoctor.lab.search import MOST_SEEDS, Candidate, candidates
from lossdoctor.lab.workload import Workload

SETS = {"iris": (datasets.load_iris, 0.01), "wine": (datasets.load_wine, 0.01), "cancer": (datasets.load_breast_cancer, 0.003)}
TRAIN, VAL, SEEDS, UNSEEN = 60, 20, 3, (101, 102, 103)

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def examples(name: str, split: int, part: str) -> Arrays:
    """60 standardized examples to train on, 20 to validate, the rest to test."""
    x, y = SETS[name][0](return_X_y=True)
    order = np.random.default_rng(split).permutation(len(x))
    chosen = {"train": order[:TRAIN], "val": order[TRAIN : TRAIN + VAL], "test": order[TRAIN + VAL :]}[part]
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)[chosen], y[chosen]


def train(name: str, split: int) -> Arrays:
    return examples(name, split, "train")


def val(name: str, split: int) -> Arrays:
    return examples(name, split, "val")


def test(name: str, split: int) -> Arrays:
    return examples(name, split, "test")


class Unfolded(Workload):
    """The same few examples are held out for every seed."""

    def fold(self, number: int) -> Workload:
        return self


def config(name: str, split: int, factor: float, held_out: str = "val") -> ConfigFile:
    """A config whose learning rate is ``factor`` times a sound one."""
    load, lr = SETS[name]
    inputs, outputs = load().data.shape[1], len(load().target_names)
    values = {
        "model": {"factory": "cases.nets:mlp", "args": {"inputs": inputs, "outputs": outputs, "hidden": 32}},
        "data": {"train": "folds:train", "val": f"folds:{held_out}", "args": {"name": name, "split": split}},
        "training": {"batch_size": 16, "epochs": 30, "optimizer": {"name": "adam", "lr": lr * factor}},
    }
    return ConfigFile(Path("folds.yaml"), CommentedMap(), Config.model_validate(values))


def proofs(file: ConfigFile, kind: type[Workload]) -> Iterator[tuple[Candidate, Effect]]:
    """The fixes that are proved, at the full length of the training."""
    workload = kind.load(file, "cpu")
    bench = Bench.open(file, workload, looks=10)
    judge = bench.judge
    for candidate in candidates(discover.fixes(), (), Settings(file.values | {"task": workload.task}), "all"):
        before, after = ([bench.trial(patch, 0).value] for patch in (NOTHING, candidate.patch))
        if EPOCHS in candidate.patch.changes or not judge.material(judge.worth(before[0]) - after[0], before[0], led=True):
            continue
        while len(after) < SEEDS or (len(after) < MOST_SEEDS and judge.promising(before, after)):
            seed = len(after)
            before.append(bench.trial(NOTHING, seed).value)
            after.append(bench.trial(candidate.patch, seed).value)
        effect = judge.proof(before, after, led=True)
        if effect:
            yield candidate, effect


def level(file: ConfigFile, unseen: ConfigFile, changes: Config) -> float:
    """The mean loss on the test examples of trainings that see the validation examples alone."""
    workload, other = Workload.load(file, "cpu").patched(changes), Workload.load(unseen, "cpu")
    other = replace(other, config=changes, splits=(workload.splits[0], other.splits[1]))
    losses = []
    for seed in UNSEEN:
        training = Training(workload, seed, workload.steps, workload.steps_per_epoch)
        training.run(workload.steps)
        losses.append(evaluate(other, training.result.model)["val_loss"])
    return statistics.mean(losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'training':28}{'proved on the few':>20}{'of these false':>16}{'over folds':>14}{'of these false':>16}")
    for factor, state in ((1.0, "sound"), (0.001, "rate too low")):
        for name in SETS:
            counts = [count(name, range(options.splits), factor, kind) for kind in (Unfolded, Workload)]
            print(f"{name + ', ' + state:28}{counts[0][0]:20}{counts[0][1]:16}{counts[1][0]:14}{counts[1][1]:16}", flush=True)


def count(name: str, splits: range, factor: float, kind: type[Workload]) -> tuple[int, int]:
    """How many fixes were proved, and how many of them do worse on the test examples."""
    gains = []
    for split in splits:
        file, unseen = config(name, split, factor), config(name, split, factor, "test")
        proved = list(proofs(file, kind))
        before = level(file, unseen, file.config) if proved else 0.0
        gains += [before - level(file, unseen, file.patched(candidate.patch)) for candidate, _ in proved]
    return len(gains), sum(gain <= 0 for gain in gains)


if __name__ == "__main__":
    main()
