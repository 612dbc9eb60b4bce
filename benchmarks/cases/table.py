"""The probe cases: each a fault in a real training with the change that makes its sound twin; the sound ones have neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lossdoctor.core.fix import LR, Patch


@dataclass(frozen=True)
class Case:
    """``families`` are those that name the fault rightly, the injected one first; ``sound`` are the changes that undo it."""

    name: str
    families: tuple[str, ...]
    data: str
    net: str
    args: dict[str, Any]
    training: dict[str, Any]
    sound: dict[str, Any] = field(default_factory=dict)
    how: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    metric: str = "val_loss"
    group: str = ""

    @property
    def set(self) -> str:
        """Development or test, split by the data set; what was written when all checks were there is a set of its own, by its name."""
        if self.group:
            return self.group
        return "test" if self.data.removesuffix("_raw") in TEST_DATA else "development"

    def config(self) -> dict[str, Any]:
        """The config of the faulty training, as nested values."""
        common = {"args": {"name": self.data, **self.how}}
        return {
            "model": {"factory": self.net if ":" in self.net else f"nets.py:{self.net}", "args": self.args},
            "data": {"train": "data.py:train", "val": "data.py:val", **common, **self.sections.get("data", {})},
            "training": {"batch_size": 32, "epochs": 20, **self.training},
        }

    def sound_config(self) -> dict[str, Any]:
        """The config of the sound twin."""
        return Patch(self.sound).apply(self.config())


TEST_DATA = (
    "wine",
    "cancer",
    "friedman",
    "blobs",
    "sine",
    "sine_wide",
    "square",
    "tokens",
    "moons",
    "stripes",
    "walks",
    "hetero",
    "wide",
    "clusters",
    "crowd",
)
ADAM, SGD = {"name": "adam", "lr": 0.003}, {"name": "sgd", "lr": 0.1, "momentum": 0.9}


def opt(**changes: Any) -> dict[str, Any]:
    return {"optimizer": ADAM | changes}


def sgd(**changes: Any) -> dict[str, Any]:
    return {"optimizer": SGD | changes}


DIGITS, IRIS, WINE, CANCER = ({"inputs": n, "outputs": m} for n, m in ((64, 10), (4, 3), (13, 3), (30, 2)))
DIABETES, FRIEDMAN, LINE, BLOBS, SPIRAL = ({"inputs": n, "outputs": m} for n, m in ((10, 1), (10, 1), (1, 1), (20, 4), (2, 3)))
BALANCED = "val_balanced_accuracy"
RATE, OPTIMIZER = ("learning_rate", "optimizer"), ("optimizer", "learning_rate")

CASES = (
    # learning rate too high
    Case("lr_high_digits_adam", RATE, "digits", "mlp", DIGITS, opt(lr=1.0), {LR: 0.003}),
    Case("lr_high_digits_cnn_sgd", RATE, "digits", "cnn", {}, sgd(lr=2.0), {LR: 0.02}, {"images": True}),
    Case("lr_high_wine_sgd", RATE, "wine", "mlp", WINE, sgd(lr=5.0), {LR: 0.02}),
    Case("lr_high_friedman_adam", RATE, "friedman", "mlp", FRIEDMAN, opt(lr=1.0), {LR: 0.003}),
    Case("lr_high_sine_sgd", RATE, "sine", "mlp", LINE, sgd(lr=1.0), {LR: 0.01}),
    Case("lr_high_tokens", RATE, "tokens", "Attention", {}, opt(lr=3.0), {LR: 0.003}),
    # learning rate too low
    Case("lr_low_digits_sgd", RATE, "digits", "mlp", DIGITS, {"optimizer": {"name": "sgd", "lr": 1e-4}}, {LR: 0.3}),
    Case("lr_low_wine_adam", RATE, "wine", "mlp", WINE, opt(lr=1e-6), {LR: 0.01}),
    Case("lr_low_quartic_sgd", RATE, "quartic", "mlp", LINE, sgd(lr=1e-5), {LR: 0.03}),
    Case("lr_low_cancer_adam", RATE, "cancer", "mlp", CANCER, opt(lr=3e-6), {LR: 0.003}),
    Case("lr_low_sequences", RATE, "sequences", "Recurrent", {}, opt(lr=1e-5), {LR: 0.01}),
    Case("lr_decay_blobs", ("learning_rate",), "blobs", "mlp", BLOBS, sgd(lr=0.02) | {"scheduler": {"name": "exponential", "gamma": 0.1}}, {"training.scheduler": None}),
    # optimizer
    Case("adam_eps_digits", OPTIMIZER, "digits", "mlp", DIGITS, opt(lr=0.001, eps=10.0), {"training.optimizer": ADAM}),
    Case("momentum_high_blobs", OPTIMIZER, "blobs", "mlp", BLOBS, sgd(lr=0.1, momentum=0.999), {"training.optimizer.momentum": 0.9}),
    # preprocessing
    Case("raw_wine", ("preprocessing",), "wine_raw", "mlp", WINE, sgd(lr=0.03), {"data.standardize": True}),
    Case("raw_cancer", ("preprocessing",), "cancer_raw", "mlp", CANCER, sgd(lr=0.03), {"data.standardize": True}),
    Case("offset_digits", ("preprocessing",), "digits", "mlp", DIGITS, sgd(lr=0.05), {"data.standardize": True}, {"offset": 100.0}),
    Case("images_255_digits", ("preprocessing",), "digits", "cnn", {}, sgd(lr=0.05), {"data.standardize": True}, {"images": True, "scale": 255.0}),
    Case("raw_diabetes", ("preprocessing",), "diabetes_raw", "mlp", DIABETES, sgd(lr=0.001), {"data.standardize": True, "data.standardize_target": True}),
    Case("wide_sine", ("preprocessing",), "sine_wide", "mlp", LINE | {"activation": "tanh"}, opt(lr=0.01) | {"epochs": 60}, {"data.standardize": True}),
    Case("spread_blobs", ("preprocessing",), "blobs", "mlp", BLOBS, sgd(lr=0.03), {"data.standardize": True}, {"spread": 4}),
    Case("tiny_iris", ("preprocessing",), "iris", "mlp", IRIS, sgd(lr=0.03), {"data.standardize": True}, {"scale": 1e-4}),
    Case("sorted_digits", ("preprocessing",), "digits", "mlp", DIGITS, sgd(lr=0.05) | {"shuffle": False}, {"training.shuffle": True}, {"sort": True}),
    Case("target_scale_diabetes", ("preprocessing",), "diabetes", "mlp", DIABETES, opt(), {"data.standardize_target": True}, {"target_scale": 1e4, "target_offset": 5e4}),
    Case("target_offset_friedman", ("preprocessing",), "friedman", "mlp", FRIEDMAN, opt(), {"data.standardize_target": True}, {"target_offset": 3e3, "target_scale": 30.0}),
    Case("target_square", ("preprocessing", "loss_function"), "square", "mlp", LINE, sgd(lr=0.01), {"data.standardize_target": True, "data.standardize": True}),
    # class imbalance
    Case("rare_digits", ("class_imbalance",), "digits", "mlp", DIGITS | {"outputs": 2}, opt(lr=0.0005), {"training.class_weights": "balanced"}, {"rare": 40, "positive": 8}, metric=BALANCED),
    Case("rare_blobs", ("class_imbalance",), "blobs", "mlp", BLOBS | {"outputs": 2}, opt(lr=0.0005), {"training.class_weights": "balanced"}, {"rare": 30}, metric=BALANCED),
    # capacity
    Case("one_unit_digits", ("capacity",), "digits", "mlp", DIGITS | {"hidden": 1}, opt(lr=0.01), {"model.args.hidden": 64}),
    Case("two_units_spiral", ("capacity",), "spiral", "mlp", SPIRAL | {"hidden": 2}, opt(lr=0.01) | {"epochs": 60}, {"model.args.hidden": 64}),
    Case("one_unit_blobs", ("capacity",), "blobs", "mlp", BLOBS | {"hidden": 1}, opt(lr=0.01), {"model.args.hidden": 64}),
    # activation
    Case("deep_sigmoid_digits", ("activation", "normalization", "initialization"), "digits", "mlp", DIGITS | {"depth": 5, "activation": "sigmoid"}, opt(lr=0.001), {"model.args.activation": "relu"}),
    Case("deep_sigmoid_cancer", ("activation", "normalization", "initialization"), "cancer", "mlp", CANCER | {"depth": 6, "activation": "sigmoid"}, sgd(lr=0.03), {"model.args.activation": "relu"}),
    Case("linear_spiral", ("activation",), "spiral", "mlp", SPIRAL | {"activation": "none"}, opt(lr=0.01) | {"epochs": 60}, {"model.args.activation": "relu"}),
    Case("linear_moons", ("activation",), "moons", "mlp", SPIRAL | {"outputs": 2, "activation": "none"}, opt(lr=0.01) | {"epochs": 40}, {"model.args.activation": "relu"}),
    # initialization
    Case("zero_init_digits", ("initialization",), "digits", "mlp", DIGITS | {"init": "zeros"}, opt(), {"model.args.init": ""}),
    Case("constant_init_blobs", ("initialization",), "blobs", "mlp", BLOBS | {"init": "constant"}, opt(), {"model.args.init": ""}),
    Case("huge_init_digits", ("initialization",), "digits", "mlp", DIGITS | {"init": "huge"}, opt(lr=0.001), {"model.args.init": ""}),
    Case("tiny_init_wine", ("initialization", "normalization"), "wine", "mlp", WINE | {"init": "tiny", "depth": 5}, sgd(lr=0.03), {"model.args.init": ""}),
    Case("dead_relu_digits", ("activation", "initialization"), "digits", "mlp", DIGITS | {"init": "dead"}, opt(), {"model.args.init": ""}),
    # dropout, regularization, frozen parameters, batch size
    Case("dropout_digits", ("dropout",), "digits", "mlp", DIGITS | {"dropout": 0.95}, opt(), {"model.args.dropout": 0.0}),
    Case("dropout_blobs", ("dropout",), "blobs", "mlp", BLOBS | {"dropout": 0.95}, opt(), {"model.args.dropout": 0.0}),
    Case("decay_digits", ("regularization",), "digits", "mlp", DIGITS, sgd(lr=0.05, weight_decay=0.5), {"training.optimizer.weight_decay": 0.0}),
    Case("decay_wine", ("regularization",), "wine", "mlp", WINE, sgd(lr=0.03, weight_decay=0.5), {"training.optimizer.weight_decay": 0.0}),
    Case("frozen_digits", ("frozen_parameters",), "digits", "mlp", DIGITS | {"hidden": 12, "depth": 3, "frozen": 3}, opt(lr=0.01), {"model.args.frozen": 0}),
    Case("batch_whole_digits", ("batch_size", "learning_rate"), "digits", "mlp", DIGITS, opt() | {"batch_size": 1257}, {"training.batch_size": 32}),
    # loss function
    Case("softmax_digits", ("loss_function",), "digits", "mlp", DIGITS | {"output": "softmax"}, sgd(lr=0.05), {"model.args.output": ""}),
    Case("relu_out_digits", ("loss_function",), "digits", "mlp", DIGITS | {"output": "relu"}, sgd(lr=0.1), {"model.args.output": ""}),
    Case("sigmoid_out_square", ("loss_function", "preprocessing"), "square", "mlp", LINE | {"output": "sigmoid"}, opt(lr=0.01) | {"epochs": 60}, {"model.args.output": "", "data.standardize_target": True, "data.standardize": True}),
    Case("sigmoid_out_negative", ("loss_function", "preprocessing"), "negative", "mlp", LINE | {"output": "sigmoid"}, opt(lr=0.01), {"model.args.output": ""}),
    Case("relu_out_friedman", ("loss_function",), "friedman", "mlp", FRIEDMAN | {"output": "relu"}, opt(), {"model.args.output": ""}),
    Case("softmax_wine", ("loss_function",), "wine", "mlp", WINE | {"output": "softmax"}, sgd(lr=0.01), {"model.args.output": ""}),
    # early stopping: too long on too little, and too short
    Case("overfit_noisy_blobs", ("early_stopping", "regularization", "dropout"), "blobs", "mlp", BLOBS | {"hidden": 256}, opt() | {"epochs": 80}, {"training.early_stopping": {"patience": 5}}, {"noise": 0.3}),
    Case("overfit_noisy_digits", ("early_stopping", "regularization", "dropout"), "digits", "mlp", DIGITS | {"hidden": 256}, opt() | {"epochs": 60}, {"training.early_stopping": {"patience": 5}}, {"noise": 0.3}),
    Case("two_epochs_sine", ("early_stopping", "learning_rate", "optimizer"), "sine", "mlp", LINE, opt(lr=0.001) | {"epochs": 3}, {"training.epochs": 30}),
    # sound
    Case("sound_digits_adam", (), "digits", "mlp", DIGITS, opt()),
    Case("sound_digits_cnn", (), "digits", "cnn", {}, opt(lr=0.01), {}, {"images": True}),
    Case("sound_digits_sgd", (), "digits", "mlp", DIGITS, sgd(lr=0.05) | {"scheduler": {"name": "cosine"}}),
    Case("sound_iris", (), "iris", "mlp", IRIS, opt(lr=0.01) | {"epochs": 30}),
    Case("sound_wine", (), "wine", "mlp", WINE, sgd(lr=0.03)),
    Case("sound_cancer", (), "cancer", "mlp", CANCER, opt(lr=0.001) | {"early_stopping": {"patience": 5}}),
    Case("sound_diabetes", (), "diabetes", "mlp", DIABETES | {"hidden": 16, "depth": 1}, opt() | {"early_stopping": {"patience": 5}}),
    Case("sound_friedman", (), "friedman", "mlp", FRIEDMAN, opt() | {"epochs": 30}),
    Case("sound_blobs", (), "blobs", "mlp", BLOBS, opt() | {"epochs": 8}),  # longer it overfits
    Case("sound_blobs_dropout", (), "blobs", "mlp", BLOBS | {"dropout": 0.2, "hidden": 128, "norm": True}, opt()),
    Case("sound_spiral", (), "spiral", "mlp", SPIRAL, opt(lr=0.01) | {"epochs": 60}),
    Case("sound_moons", (), "moons", "mlp", SPIRAL | {"outputs": 2}, opt(lr=0.01) | {"epochs": 30}),
    Case("sound_sine", (), "sine", "mlp", LINE | {"activation": "tanh"}, opt(lr=0.01) | {"epochs": 60}),
    Case("sound_sequences", (), "sequences", "Recurrent", {}, opt(lr=0.01)),
    Case("sound_tokens", (), "tokens", "Attention", {}, opt(lr=0.002)),
    Case("sound_raw_iris", (), "iris_raw", "mlp", IRIS, opt(lr=0.01) | {"epochs": 40}),
    Case("sound_long_digits", (), "digits", "mlp", DIGITS | {"hidden": 32}, opt(lr=0.002) | {"epochs": 40}),
    Case("sound_rare_blobs", (), "blobs", "mlp", BLOBS | {"outputs": 2}, opt() | {"class_weights": "balanced"}, {}, {"rare": 20}),
)  # fmt: skip


def dump(config: dict[str, Any], path: Path) -> None:
    """Write nested values as YAML."""
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(config, file)
