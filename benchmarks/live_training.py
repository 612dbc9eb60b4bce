"""A training to be watched: python benchmarks/live_training.py LOG KIND EPOCHS SEED

A net of one hidden layer learns to tell six clouds of points apart, in NumPy, a row of losses an epoch. KIND is what becomes of it:
``sound`` goes on to its end, with a schedule of the learning rate that differs from seed to seed. The others start in the same way, and at
epoch 40 the learning rate falls to zero (``stall``), becomes so large that numbers overflow (``overflow``) or that it no longer learns
(``blow_up``).
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import numpy as np

CLASSES, FEATURES, HIDDEN = 6, 8, 32
EXAMPLES, TRAINED, BATCHES = 900, 600, 12
TURN = 40  # epoch at which what is not sound turns
RATE = 0.02
SCHEDULES = (
    lambda progress: 1.0,
    lambda progress: 0.5 + 0.5 * math.cos(math.pi * progress),
    lambda progress: 0.1 ** int(2 * progress),
    lambda progress: min(1.0, 10 * progress + 0.01),
)


def rate(kind: str, epoch: int, epochs: int, seed: int) -> float:
    """The learning rate of an epoch."""
    if kind == "sound":
        return RATE * SCHEDULES[seed % len(SCHEDULES)](epoch / epochs)
    return {"stall": 0.0, "overflow": 1e200, "blow_up": 5e3}[kind] * RATE if epoch >= TURN else RATE


def main(path: str, kind: str, epochs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.integers(CLASSES, size=EXAMPLES)
    x = np.tanh(rng.normal(size=(CLASSES, FEATURES))[label] + 0.8 * rng.normal(size=(EXAMPLES, FEATURES)))
    target = np.eye(CLASSES)[label]
    weights = [rng.normal(size=(FEATURES, HIDDEN)) / 3, np.zeros(HIDDEN), rng.normal(size=(HIDDEN, CLASSES)) / 6, np.zeros(CLASSES)]

    def forward(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Hidden activations, log-probabilities and the loss of examples."""
        hidden = np.maximum(x[rows] @ weights[0] + weights[1], 0)
        logits = hidden @ weights[2] + weights[3]
        logits = logits - logits.max(1, keepdims=True)
        logits = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return hidden, logits, -(target[rows] * logits).sum(1).mean()

    with Path(path).open("w") as log, np.errstate(all="ignore"):
        print("epoch,train_loss,val_loss,lr", file=log)
        for epoch in range(epochs):
            step, losses = rate(kind, epoch, epochs, seed), []
            for rows in np.split(rng.permutation(TRAINED), BATCHES):
                hidden, logits, loss = forward(rows)
                losses.append(loss)
                out = (np.exp(logits) - target[rows]) / len(rows)
                back = (out @ weights[2].T) * (hidden > 0)
                for weight, slope in zip(weights, (x[rows].T @ back, back.sum(0), hidden.T @ out, out.sum(0)), strict=True):
                    weight -= step * slope
            print(f"{epoch},{np.mean(losses)},{forward(np.arange(TRAINED, EXAMPLES))[2]},{step}", file=log, flush=True)
            time.sleep(0.005)
    print("trained to the end")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
