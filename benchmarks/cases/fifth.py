"""A fifth set: whole small projects, written before the examination had seen any of it."""

# ruff: noqa: E501 (a table: one case a line)
from __future__ import annotations

from dataclasses import replace
from typing import Any

from cases.table import LR, Case, opt, sgd

RATE, OPTIMIZER = ("learning_rate", "optimizer"), ("optimizer", "learning_rate")
OVERFIT = ("capacity", "regularization", "dropout", "augmentation", "early_stopping")
WRONG, DATA = "model.args.wrong", "data.args.wrong"
SERIES, TAGS, FACES, SENSORS, FRAUD = (
    {"inputs": 20},
    {"inputs": 12, "outputs": 5},
    {"inputs": 16},
    {"inputs": 8},
    {"inputs": 10, "outputs": 2},
)
LOGITS, STOP, SCALED = (
    {"loss": "binary_cross_entropy_with_logits"},
    {"early_stopping": {"patience": 4}},
    {"data": {"standardize_target": True}},
)
NONE: dict[str, Any] = {}

CASES = (
    # learning rate, optimizer
    Case("own_speaker_rate", RATE, "phrases", "Speaker", NONE, opt(lr=0.8), {LR: 0.005}),
    Case("own_graph_crawls", RATE, "graphs", "Graph", NONE, sgd(lr=1e-5), {LR: 0.03}),
    Case("own_attention_no_warm_up", RATE, "reviews", "Attentive", NONE, sgd(lr=3.0), {LR: 0.03}),
    Case("own_stepped_each_batch", ("learning_rate",), "series", "Net", SERIES, opt() | {"scheduler": {"name": "exponential", "gamma": 0.02}}, {"training.scheduler": None}),
    Case("own_bag_adadelta", OPTIMIZER, "reviews", "Bag", NONE, {"optimizer": {"name": "adadelta", "lr": 1e-3}}, {"training.optimizer": {"name": "adam", "lr": 0.02}}),
    Case("own_beta_two_small", OPTIMIZER, "sensors", "Net", SENSORS, opt(lr=0.003, betas=[0.999, 0.1]), {"training.optimizer.betas": [0.9, 0.999]}),
    Case("own_eps_of_one", OPTIMIZER, "phrases", "Speaker", NONE, opt(eps=1.0), {"training.optimizer.eps": 1e-8}),
    # gradient
    Case("own_clipped_tight", ("gradient", *RATE), "series", "Net", SERIES, sgd(lr=0.01) | {"clip_grad_norm": 1e-4}, {"training.clip_grad_norm": 1.0}),
    Case("own_scale_left_on", ("gradient", "loss_function", *RATE), "sensors", "Net", SENSORS, sgd(lr=0.01, momentum=0.0) | {"step": "projects.py:scaled_step"}, {"training.step": "projects.py:matched_step"}),
    # preprocessing
    Case("own_missing_999", ("preprocessing",), "sensors", "Net", SENSORS, opt(), {DATA: ""}, {"wrong": "missing_999"}),
    Case("own_sensor_spikes", ("preprocessing",), "sensors", "Net", SENSORS, opt(), {DATA: ""}, {"wrong": "spikes"}),
    Case("own_load_in_watts", ("preprocessing",), "series", "Net", SERIES, opt(), {"data.args": {"name": "series"}}, {"level": 40_000, "scale": 6000}),
    Case("own_prices_in_full", ("preprocessing",), "houses", "House", NONE, opt(), {"data.standardize_target": True}, {"unit": 1e5}),
    Case("own_cents_and_euros", ("preprocessing", "labels"), "houses", "House", NONE, opt(), {DATA: ""}, {"wrong": "cents"}),
    Case("own_row_number", ("preprocessing", "leakage"), "faces", "Net", {"inputs": 17}, opt(), {DATA: "", "model.args.inputs": 16}, {"wrong": "row_id"}, SCALED),
    Case("own_dates_as_numbers", ("preprocessing",), "sensors", "Net", {"inputs": 9}, opt(), {DATA: "", "model.args.inputs": 8}, {"wrong": "dates"}),
    Case("own_val_unscaled", ("preprocessing",), "tags", "Net", TAGS, opt() | LOGITS, {DATA: ""}, {"wrong": "val_raw"}),
    Case("own_half_overflows", ("preprocessing", "numerics"), "sensors", "Net", SENSORS, opt(), {DATA: ""}, {"wrong": "half"}),
    Case("own_links_unscaled", ("preprocessing", "initialization", "gradient"), "graphs", "Graph", {"wrong": "unscaled"}, sgd(lr=0.02), {WRONG: ""}),
    Case("own_no_links", ("preprocessing",), "graphs", "Graph", {"wrong": "no_links"}, opt(), {WRONG: ""}),
    Case("own_mean_over_batch", ("preprocessing",), "reviews", "Bag", {"wrong": "over_batch"}, opt(), {WRONG: ""}),
    Case("own_reads_the_padding", ("preprocessing",), "reviews", "Bag", {"wrong": "padded"}, opt(lr=0.02), {WRONG: ""}, {"padded": 6}),
    Case("own_mask_upside_down", ("preprocessing",), "reviews", "Attentive", {"wrong": "mask"}, opt(), {WRONG: ""}, {"padded": 6}),
    Case("own_same_view_twice", ("preprocessing",), "pairs", "Twins", {"wrong": "same_view"}, opt() | {"loss": "projects.py:contrast"}, {WRONG: ""}),
    # labels, leakage, imbalance
    Case("own_shuffled_apart", ("labels",), "tags", "Net", TAGS, opt() | LOGITS, {DATA: ""}, {"wrong": "shuffled_apart"}),
    Case("own_pairs_mislabelled", ("labels",), "fraud", "Net", FRAUD, opt(), {DATA: ""}, {"rate": 0.5, "wrong": "one_hot_swapped"}),
    Case("own_windows_overlap", ("leakage",), "series", "Net", SERIES, opt(), {DATA: ""}, {"wrong": "windows_overlap"}),
    Case("own_tomorrow_known", ("leakage",), "sensors", "Net", {"inputs": 9}, opt(), {DATA: "", "model.args.inputs": 8}, {"wrong": "tomorrow"}),
    Case("own_fraud_unweighted", ("class_imbalance",), "fraud", "Net", FRAUD, opt(lr=0.0005) | {"epochs": 6}, {"data.args.rate": 0.5}, {"rate": 0.015}),
    Case("own_weights_upside_down", ("class_imbalance", "loss_function"), "fraud", "Net", FRAUD, opt() | {"class_weights": [40.0, 0.3]}, {"training.class_weights": "balanced"}, {"rate": 0.12}),
    # loss function
    Case("own_softmax_for_tags", ("loss_function",), "tags", "Net", TAGS | {"wrong": "softmax"}, opt() | LOGITS, {WRONG: ""}),
    Case("own_mask_sigmoid_twice", ("loss_function",), "scans", "Mask", {"wrong": "sigmoid"}, opt() | LOGITS, {WRONG: ""}),
    Case("own_dice_of_steps", ("loss_function", "frozen_parameters"), "scans", "Mask", NONE, opt() | {"loss": "projects.py:dice_of_scores"}, {"training.loss": "projects.py:dice"}),
    Case("own_age_by_sigmoid", ("loss_function", "preprocessing"), "faces", "Net", FACES | {"wrong": "sigmoid"}, opt(), {WRONG: "", "data.standardize_target": True}),
    Case("own_load_by_relu", ("loss_function", "activation"), "series", "Net", SERIES | {"wrong": "relu"}, opt(), {WRONG: ""}),
    Case("own_kl_far_too_large", ("loss_function", "regularization"), "blots", "Coder", NONE, opt() | {"loss": "projects.py:heavy_evidence"}, {"training.loss": "projects.py:evidence"}),
    Case("own_contrast_sign", ("loss_function",), "pairs", "Twins", NONE, opt() | {"loss": "projects.py:contrast_swapped"}, {"training.loss": "projects.py:contrast"}),
    Case("own_mixture_of_negative", ("numerics", "loss_function", "gradient"), "forks", "Net", {"inputs": 1, "outputs": 6}, opt() | {"loss": "projects.py:mixture_of_shares"}, {"training.loss": "projects.py:mixture"}),
    Case("own_square_of_batch", ("loss_function",), "series", "Net", SERIES, opt() | {"step": "projects.py:square_step"}, {"training.step": "projects.py:matched_step"}),
    Case("own_far_too_soft", ("loss_function", *RATE), "reviews", "Bag", NONE, sgd(lr=0.05) | {"loss": "projects.py:distilled"}, {"training.loss": "cross_entropy", LR: 0.3}),
    Case("own_padding_counted", ("loss_function", *RATE), "phrases", "Speaker", NONE, sgd(lr=0.05) | {"loss": "projects.py:padded_too"}, {"training.loss": "cross_entropy", LR: 0.3}),
    # frozen parameters
    Case("own_detached_step", ("frozen_parameters", "loss_function"), "sensors", "Net", SENSORS, opt() | {"step": "projects.py:detached_step"}, {"training.step": "projects.py:matched_step"}),
    Case("own_words_frozen", ("frozen_parameters", "initialization"), "reviews", "Bag", {"wrong": "frozen"}, opt(), {WRONG: ""}),
    Case("own_body_frozen", ("frozen_parameters",), "sensors", "Net", SENSORS | {"wrong": "frozen"}, opt(), {WRONG: ""}),
    Case("own_body_detached", ("frozen_parameters",), "faces", "Net", FACES | {"wrong": "detach"}, opt(), {WRONG: ""}, NONE, SCALED),
    # capacity, activation, initialization
    Case("own_one_hidden_unit", ("capacity",), "phrases", "Speaker", {"hidden": 1}, opt(lr=0.01), {"model.args.hidden": 24}),
    Case("own_too_large_for_36", OVERFIT, "faces", "Net", FACES | {"hidden": 512}, opt() | {"epochs": 80}, {DATA: "", "training.epochs": 10}, {"wrong": "few"}, SCALED),
    Case("own_waves_too_fast", ("initialization", "activation", "capacity"), "waves", "Wave", {"frequency": 3000.0}, opt(), {"model.args.frequency": 15.0}),
    Case("own_all_on_one_line", ("activation", "initialization", "gradient"), "sensors", "Net", SENSORS | {"depth": 4, "wrong": "collapse"}, opt(), {WRONG: ""}),
    Case("own_tenfold_weights", ("initialization",), "tags", "Net", TAGS | {"wrong": "tenfold"}, sgd(lr=0.01) | LOGITS, {WRONG: ""}),
    Case("own_units_alike", ("initialization",), "fraud", "Net", FRAUD | {"wrong": "alike"}, opt(), {WRONG: ""}, {"rate": 0.5}),
    Case("own_large_districts", ("initialization",), "houses", "House", {"wrong": "large"}, opt(), {WRONG: ""}),
    # normalization, dropout, regularization, early stopping
    Case("own_norm_of_two", ("normalization", "batch_size"), "sensors", "Net", SENSORS | {"wrong": "norm"}, opt() | {"batch_size": 2, "epochs": 3}, {"training.batch_size": 32, "training.epochs": 12}),
    Case("own_dropout_in_regression", ("dropout",), "faces", "Net", FACES | {"drop": 0.85}, opt(), {"model.args.drop": 0.0}, NONE, SCALED),
    Case("own_speaker_drops", ("dropout",), "phrases", "Speaker", {"drop": 0.9}, opt(), {"model.args.drop": 0.0}),
    Case("own_decay_on_all", ("regularization",), "tags", "Net", TAGS, opt(weight_decay=1.0) | LOGITS, {"training.optimizer.weight_decay": 0.0}),
    Case("own_smoothed_away", ("regularization", "loss_function"), "reviews", "Bag", NONE, opt(lr=0.02) | {"label_smoothing": 0.97}, {"training.label_smoothing": 0.0}),
    Case("own_three_epochs", ("early_stopping", "learning_rate"), "waves", "Wave", NONE, opt(lr=0.0005) | {"epochs": 2}, {"training.epochs": 30}),
    # sound
    Case("own_sound_load", (), "series", "Net", SERIES, opt(lr=0.002) | STOP),
    Case("own_sound_reviews", (), "reviews", "Bag", NONE, opt(lr=0.02) | STOP),
    Case("own_sound_pairs", (), "pairs", "Twins", NONE, opt(lr=0.005) | {"loss": "projects.py:contrast"} | STOP),
    Case("own_sound_dice", (), "scans", "Mask", NONE, opt(lr=0.005) | {"loss": "projects.py:dice"} | STOP),
    Case("own_sound_houses", (), "houses", "House", NONE, opt(lr=0.005) | STOP, NONE, NONE, SCALED),
    Case("own_sound_phrases", (), "phrases", "Speaker", NONE, opt(lr=0.005) | {"epochs": 14} | STOP),
    Case("own_sound_fraud", (), "fraud", "Net", FRAUD, opt(lr=0.002) | {"class_weights": "balanced"} | STOP, NONE, {"rate": 0.06}),
    Case("own_sound_heavy_tails", (), "sensors", "Net", SENSORS, opt(lr=0.002) | {"loss": "smooth_l1_loss"} | STOP, NONE, {"tails": True}),
    Case("own_sound_graphs", (), "graphs", "Graph", NONE, opt(lr=0.003) | STOP),
    Case("own_sound_waves", (), "waves", "Wave", NONE, opt(lr=0.003) | {"epochs": 40}),
    Case("own_sound_coder", (), "blots", "Coder", NONE, opt(lr=0.005) | {"loss": "projects.py:evidence", "epochs": 30}),
    Case("own_sound_mixture", (), "forks", "Net", {"inputs": 1, "outputs": 6}, opt() | {"loss": "projects.py:mixture"} | STOP),
    Case("own_sound_warmed_up", (), "reviews", "Attentive", NONE, opt(lr=0.01) | {"scheduler": {"name": "warmup_cosine"}, "epochs": 10} | STOP),
)  # fmt: skip


def _placed(case: Case) -> Case:
    """The case with its files: the data and models of ``projects.py``, and fewer epochs."""
    files = {"train": "projects.py:train", "val": "projects.py:val", **case.sections.get("data", {})}
    return replace(case, net=f"projects.py:{case.net}", sections={"data": files}, group="fifth", training={"epochs": 12} | case.training)


FIFTH = tuple(map(_placed, CASES))
