"""Cases that were written before any check was tuned on them: faults of other data and nets, many as others met them, and sound trainings."""

# ruff: noqa: E501 (a table: one case a line)
from __future__ import annotations

from dataclasses import replace

from cases.table import DIGITS, FRIEDMAN, LINE, LR, WINE, Case, opt, sgd

POLLS, BITS, MIXTURES, TRIPLE, TAGS = ({"inputs": n, "outputs": m} for n, m in ((16, 2), (20, 20), (28, 6), (15, 3), (20, 6)))
SHELLS, HASTIE, CIRCUIT, PRICES, MANY, SWISS = (
    {"inputs": n, "outputs": m} for n, m in ((4, 4), (10, 2), (4, 1), (9, 1), (24, 150), (3, 1))
)
HOW = "data.args."
OUT, LOSS = "model.args.output", "training.loss"
VANISHING = ("activation", "gradient", "normalization", "initialization")
SLOW = {"train": "data.py:slow_train", "val": "data.py:slow_val", "args": {"name": "digits", "wait": 0.004}}
TALK = {"train": "data.py:dialogues_train", "val": "data.py:dialogues_val"}

CASES = (
    # as others met them, on data of ours
    Case("met_polls", ("preprocessing", "loss_function"), "polls_raw", "mlp", POLLS | {"activation": "tanh", "dropout": 0.5, "output": "softmax"}, sgd() | {"loss": "mse_loss", "batch_size": 16}, {"data.standardize": True, OUT: "", LOSS: "cross_entropy"}),
    Case("met_large_batch", ("learning_rate", "batch_size", "optimizer", "early_stopping"), "digits", "mlp", DIGITS | {"hidden": 512, "dropout": 0.1}, sgd(lr=0.01, nesterov=True) | {"batch_size": 400, "epochs": 5}, {LR: 0.05, "training.batch_size": 32}),
    Case("met_relu_scores", ("loss_function",), "photos", "photo_cnn", {"output": "relu"}, opt(lr=0.001) | {"epochs": 6}, {OUT: ""}),
    Case("met_softmax_bits", ("loss_function",), "bits", "mlp", BITS | {"hidden": 20, "output": "softmax"}, sgd(lr=0.01) | {"loss": "cross_entropy", "batch_size": 50, "epochs": 10}),
    Case("met_bce_on_four", ("loss_function", "labels"), "shells", "mlp", SHELLS | {"outputs": 1, "hidden": 3, "depth": 1, "output": "sigmoid"}, sgd(lr=0.001) | {"loss": "binary_cross_entropy"}),
    Case("met_relu_binary", ("loss_function",), "hastie", "mlp", HASTIE | {"outputs": 1, "hidden": 16, "depth": 1, "output": "relu"}, sgd(lr=0.01) | {"loss": "mse_loss"}, {OUT: "", LOSS: "binary_cross_entropy_with_logits"}),
    Case("met_relu_forces", ("loss_function", "preprocessing", "activation"), "forces_raw", "signal_cnn", {"channels": 1, "length": 50, "outputs": 1, "output": "relu"}, opt(lr=0.001)),
    Case("met_mae_pairs", ("loss_function",), "pairs", "Lstm", {"inputs": 2, "hidden": 10, "layers": 2}, opt(lr=0.001) | {"loss": "l1_loss"}, {LOSS: "cross_entropy", LR: 0.01}),
    Case("met_sigmoid_mixtures", ("loss_function",), "mixtures", "mlp", MIXTURES | {"hidden": 20, "output": "sigmoid"}, opt(lr=0.001) | {"loss": "l1_loss"}),
    Case("met_relu_bce", ("loss_function",), "hastie", "mlp", HASTIE | {"outputs": 1, "hidden": 200, "depth": 4, "output": "relu"}, {"optimizer": {"name": "rmsprop", "lr": 0.001}, "loss": "binary_cross_entropy_with_logits", "batch_size": 200}, {OUT: ""}),
    Case("met_softmax_each_step", ("loss_function",), "parity", "EachStep", {"output": "softmax"}, opt(lr=0.005) | {"loss": "binary_cross_entropy"}, {OUT: "sigmoid"}),
    Case("met_softmax_triple", ("loss_function", "preprocessing"), "triple_raw", "mlp", TRIPLE | {"hidden": 32, "depth": 1, "output": "softmax"}, sgd(lr=0.01)),
    Case("met_one_relu", ("capacity", "activation", "loss_function"), "points", "mlp", LINE | {"hidden": 1, "output": "relu"}, opt(lr=0.01)),
    Case("met_sigmoid_sensors", (*VANISHING, "learning_rate"), "sensors", "signal_cnn", {"activation": "sigmoid"}, sgd(lr=0.001), {"model.args.activation": "relu", LR: 0.01}),
    Case("met_frozen_clipped", ("frozen_parameters", "loss_function"), "hastie", "Clipped", {"inputs": 10}, opt(lr=0.001) | {"loss": "binary_cross_entropy"}, {"model.args.frozen": False, "model.args.sigmoid": True}),
    Case("met_sum_of_squares", ("learning_rate", "loss_function"), "points", "Quadratic", {}, sgd(lr=0.01, momentum=0.0) | {"loss": "nets.py:sum_of_squares"}, {LR: 1e-4}),
    Case("met_zero_kernel", ("initialization",), "photos", "photo_cnn", {"zero": True}, opt(lr=0.001) | {"epochs": 5}, {"model.args.zero": False}),
    Case("met_softsign_scores", ("loss_function",), "many", "mlp", MANY | {"output": "softsign"}, opt(lr=0.001) | {"epochs": 10}, {OUT: ""}),
    Case("met_hinge_softmax", ("loss_function",), "shells", "mlp", SHELLS | {"output": "softmax"}, opt() | {"loss": "multi_margin_loss"}, {OUT: "", LOSS: "cross_entropy"}),
    Case("met_slow_descent", ("learning_rate", "optimizer", "early_stopping"), "many", "mlp", MANY | {"hidden": 128}, {"optimizer": {"name": "sgd", "lr": 0.001}, "epochs": 3}, {"training.optimizer": {"name": "adam", "lr": 0.003}, "training.epochs": 15}),
    Case("met_decreasing", ("class_imbalance",), "digits", "cnn", {}, sgd(lr=0.05), {HOW + "decreasing": False}, {"images": True, "decreasing": True}),
    Case("met_dropouts_raw", ("dropout", "preprocessing"), "photos_raw", "photo_cnn", {"dropout": 0.8}, opt(lr=0.001) | {"batch_size": 128, "epochs": 6}, {"data.standardize": True, "model.args.dropout": 0.1}),
    Case("met_softmax_hidden", ("activation",), "photos", "photo_cnn", {"activation": "softmax"}, sgd(lr=0.05) | {"epochs": 6}, {"model.args.activation": "relu"}),
    # what the model makes of its inputs
    Case("wrong_mask", ("preprocessing", "capacity", "frozen_parameters"), "documents", "Blind", {"wrong": "mask"}, opt(lr=0.005), {"model.args.wrong": ""}),
    Case("normed_away", ("normalization", "preprocessing", "capacity", "loss_function"), "sine", "NormedAway", {}, opt(lr=0.005), {"model.args.norm": False}),
    Case("tall_tower", ("activation", "capacity", "normalization", "initialization", "gradient"), "wine", "tower", WINE, opt(lr=0.001), {"model.args.residual": True}),
    Case("half_overflows", ("numerics", "gradient"), "polls", "Half", POLLS | {"gain": 300.0}, opt(lr=0.001), {"model.args.gain": 1.0}),
    Case("drawn_backbone", ("frozen_parameters",), "photos", "tuned", {"learned": False}, opt() | {"epochs": 5}),
    Case("drawn_head", ("initialization",), "hastie", "Odd", HASTIE | {"gain": 20.0}, opt(lr=0.001), {"model.args.gain": 1.0}),
    # between the splits, and between inputs and targets
    Case("other_columns", ("preprocessing",), "polls", "mlp", POLLS, opt(lr=0.001), {HOW + "val_columns": False}, {"val_columns": True}),
    Case("val_out_of_step", ("labels",), "shells", "mlp", SHELLS, opt(), {HOW + "val_rolled": 0}, {"val_rolled": 11}),
    Case("identifiers", ("leakage", "preprocessing"), "hastie", "mlp", HASTIE | {"inputs": 11}, opt(), {}, {"identifiers": True}, {"data": {"standardize": True}}),
    Case("unmixed_swiss", ("preprocessing",), "swiss", "mlp", SWISS, sgd(lr=0.03) | {"shuffle": False}, {"training.shuffle": True}, {"sort": True}),
    Case("raw_circuit", ("preprocessing",), "circuit_raw", "mlp", CIRCUIT, opt(lr=0.001), {"data.standardize": True, "data.standardize_target": True}),
    Case("raw_prices", ("preprocessing",), "prices_raw", "mlp", PRICES, opt(), {"data.standardize_target": True}),
    # tokens, the pipeline, how training is set up
    Case("silent_dialogues", ("labels",), "dialogues", "Talker", {}, opt(lr=0.001) | {"step": "nets.py:talk"}, {HOW + "answered": 1.0}, {"answered": 0.4}, {"data": TALK}),
    Case("slow_pipeline", ("hardware",), "digits", "mlp", DIGITS, opt() | {"epochs": 2}, {HOW + "wait": 0.0}, {}, {"data": SLOW}),
    Case("noise_drowns", ("augmentation",), "wine", "mlp", WINE, opt(), {"data.augment": []}, {}, {"data": {"augment": [{"noise": 8.0}]}}),
    Case("clipped_to_nothing", ("gradient", "learning_rate", "optimizer"), "friedman", "mlp", FRIEDMAN, sgd(lr=0.02) | {"clip_grad_norm": 1e-4}, {"training.clip_grad_norm": 1.0}),
    Case("overshooting_rmsprop", ("learning_rate", "optimizer"), "sensors", "signal_cnn", {}, {"optimizer": {"name": "rmsprop", "lr": 0.3}}, {LR: 0.001}),
    Case("rare_tags", ("class_imbalance",), "shells", "mlp", SHELLS | {"outputs": 2}, opt(lr=0.0005), {"training.class_weights": "balanced"}, {"rare": 60}),
    # sound
    Case("sound_photos", (), "photos", "photo_cnn", {"norm": True}, opt(lr=0.001) | {"epochs": 6, "early_stopping": {"patience": 2}}),
    Case("sound_sensors_lstm", (), "sensors", "Lstm", {"inputs": 40, "outputs": 3, "hidden": 32}, opt() | {"epochs": 10, "early_stopping": {"patience": 3}}),
    Case("sound_sensors", (), "sensors", "signal_cnn", {}, opt(lr=0.001) | {"epochs": 10, "early_stopping": {"patience": 3}}),
    Case("sound_documents", (), "documents", "Masked", {}, opt(lr=0.002) | {"early_stopping": {"patience": 5}}),
    Case("sound_ratings", (), "ratings", "Recommender", {}, opt(lr=0.01) | {"early_stopping": {"patience": 3}}),
    Case("sound_log_prices", (), "prices", "mlp", PRICES, opt() | {"early_stopping": {"patience": 4}}),
    Case("sound_hourglass", (), "copies_of_digits", "hourglass", {}, opt() | {"epochs": 40}),
    Case("sound_frozen_backbone", (), "photos", "tuned", {}, opt() | {"epochs": 6}),
    Case("sound_tags", (), "tags", "mlp", TAGS, opt() | {"loss": "binary_cross_entropy_with_logits", "early_stopping": {"patience": 3}}),
    Case("sound_many_classes", (), "many", "mlp", MANY | {"hidden": 128}, opt() | {"epochs": 15, "early_stopping": {"patience": 3}}),
    Case("sound_small_table", (), "wine", "mlp", WINE | {"hidden": 16, "depth": 1}, opt(lr=0.01) | {"batch_size": 16, "early_stopping": {"patience": 5}}, {}, {"few": 60}),
    Case("sound_dialogues", (), "dialogues", "Talker", {}, opt(lr=0.002) | {"step": "nets.py:talk"}, {}, {}, {"data": TALK}),
    Case("sound_parity", (), "parity", "EachStep", {}, opt(lr=0.005) | {"loss": "binary_cross_entropy_with_logits", "epochs": 30}),
)  # fmt: skip
LATER = tuple(replace(case, group="later") for case in CASES)
