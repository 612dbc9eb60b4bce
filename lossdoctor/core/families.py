"""Where a cause can lie: the families, and the prefix that the codes of each bear."""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    "learning_rate": "LR",
    "preprocessing": "PRE",
    "class_imbalance": "IMB",
    "capacity": "CAP",
    "early_stopping": "STOP",
    "activation": "ACT",
    "initialization": "INIT",
    "normalization": "NORM",
    "dropout": "DROP",
    "regularization": "REG",
    "batch_size": "BATCH",
    "augmentation": "AUG",
    "optimizer": "OPT",
    "gradient": "GRAD",
    "loss_function": "LOSS",
    "labels": "LAB",
    "leakage": "LEAK",
    "frozen_parameters": "FRZ",
    "hardware": "HW",
    "numerics": "NUM",
    "logging": "LOG",
}
