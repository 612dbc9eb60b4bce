"""A third set, written without a look at what the checks measure: other data, other nets, custom losses and steps, and sound trainings."""

# ruff: noqa: E501 (a table: one case a line)
from __future__ import annotations

from dataclasses import replace
from typing import Any

from cases.table import LR, Case, opt, sgd

HOUSES, CHURN, SPECIES, SHAPES = {"inputs": 8}, {"inputs": 12, "outputs": 2}, {"inputs": 10, "outputs": 8}, {"inputs": 256, "outputs": 4}
RATE, OPTIMIZER = ("learning_rate", "optimizer"), ("optimizer", "learning_rate")
VANISHING = ("activation", "gradient", "normalization", "initialization")
WRONG, HOW = "model.args.wrong", "data.args.wrong"
BRIEF, STOP = {"epochs": 8}, {"early_stopping": {"patience": 4}}
NONE: dict[str, Any] = {}

CASES = (
    # learning rate, optimizer
    Case("sgd_leaps_houses", RATE, "houses", "Table", HOUSES, sgd(lr=1.0), {LR: 0.02}),
    Case("adamw_leaps_reader", RATE, "reviews", "Reader", NONE, {"optimizer": {"name": "adamw", "lr": 0.1}} | BRIEF, {LR: 0.002}),
    Case("sgd_creeps_shapes", (*RATE, "early_stopping"), "shapes", "Net", NONE, {"optimizer": {"name": "sgd", "lr": 3e-4}} | BRIEF, {LR: 0.1}),
    Case("adam_creeps_tides", RATE, "tides", "Memory", {"kind": "GRU", "outputs": 1}, opt(lr=2e-6), {LR: 0.005}),
    Case("steps_down_early", ("learning_rate",), "species", "Table", SPECIES, sgd(lr=0.05) | {"scheduler": {"name": "step", "step_size": 1, "gamma": 0.05}}, {"training.scheduler": None}, {"tail": 1.0}),
    Case("betas_swapped", OPTIMIZER, "houses", "Table", HOUSES, opt(lr=0.01, betas=[0.999, 0.9]), {"training.optimizer.betas": [0.9, 0.999]}),
    Case("momentum_runs_on", OPTIMIZER, "shapes", "Net", NONE, sgd(lr=0.05, momentum=0.999) | BRIEF, {"training.optimizer.momentum": 0.9}),
    Case("adadelta_of_keras", OPTIMIZER, "churn", "Table", CHURN, {"optimizer": {"name": "adadelta", "lr": 0.001}}, {LR: 1.0}, {"share": 0.5}),
    Case("layers_in_a_list", ("frozen_parameters", "optimizer"), "houses", "Table", HOUSES | {"wrong": "list", "widths": [8, 8, 8]}, opt(), {WRONG: ""}),
    # preprocessing
    Case("grams_among_kilograms", ("preprocessing",), "houses", "Table", HOUSES, sgd(lr=0.01), {"data.standardize": True}, {"wrong": "unit"}),
    Case("dollars", ("preprocessing",), "houses", "Table", HOUSES, opt(lr=0.001), {"data.standardize_target": True}, {"dollars": True}),
    Case("grey_255", ("preprocessing",), "shapes", "Net", NONE, sgd(lr=0.03) | BRIEF, {"data.args.scale": 1.0}, {"scale": 255.0}),
    Case("money_as_it_is", ("preprocessing",), "churn", "Table", CHURN, opt(lr=0.001), {HOW: ""}, {"share": 0.4, "wrong": "lognormal"}),
    Case("missing_is_minus_999", ("preprocessing",), "species", "Table", SPECIES, opt(lr=0.001), {HOW: ""}, {"tail": 1.0, "wrong": "blanks"}),
    Case("val_squeezed", ("preprocessing",), "houses", "Table", HOUSES, opt(), {HOW: ""}, {"wrong": "val_minmax"}),
    Case("regions_as_numbers", ("preprocessing",), "regions", "Table", {"inputs": 4}, opt(), {}, {}),
    # class imbalance
    Case("few_leave", ("class_imbalance",), "churn", "Table", CHURN, opt(lr=0.0005) | BRIEF, {"training.class_weights": "balanced"}, {"share": 0.02}),
    Case("long_tail", ("class_imbalance",), "species", "Table", SPECIES, sgd(lr=0.01) | BRIEF, {"training.class_weights": "balanced"}, {"tail": 0.4, "apart": 0.5}),
    # capacity, activation
    Case("xor_by_a_line", ("capacity", "activation"), "xor", "Table", {"inputs": 2, "outputs": 2, "widths": []}, opt(lr=0.01), {"model.args.widths": [32, 32]}),
    Case("narrow_middle", ("capacity",), "shapes", "Net", {"wrong": "narrow"}, opt() | BRIEF, {WRONG: ""}),
    Case("two_wide", ("capacity",), "species", "Table", SPECIES | {"widths": [2, 2]}, opt(lr=0.01), {"model.args.widths": [64, 64]}, {"tail": 1.0}),
    Case("sigmoids_over_words", VANISHING, "reviews", "BagOfWords", NONE, opt(lr=0.001), {"model.args.act": "ReLU"}),
    Case("convolutions_die", ("activation", "initialization"), "shapes", "Net", {"wrong": "dead"}, opt(lr=0.001) | BRIEF, {WRONG: ""}),
    Case("tanh_at_its_ends", ("activation", "initialization"), "houses", "Table", HOUSES | {"act": "Tanh", "wrong": "scaled_up"}, opt(lr=0.001), {WRONG: ""}),
    # initialization, normalization, gradient
    Case("all_zeros", ("initialization",), "species", "Table", SPECIES | {"wrong": "zeros"}, opt(), {WRONG: ""}, {"tail": 1.0}),
    Case("unit_normal_wide", ("initialization",), "shapes", "Table", SHAPES | {"widths": [512, 512], "wrong": "normal"}, opt(lr=0.001) | BRIEF, {WRONG: ""}, {"flat": True}),
    Case("huge_head", ("initialization",), "shapes", "Net", {"wrong": "huge_head"}, opt(lr=0.001) | BRIEF, {WRONG: ""}),
    Case("norm_over_two", ("normalization", "batch_size"), "shapes", "Net", {"norm": "batch"}, opt() | {"batch_size": 2, "epochs": 2}, {"training.batch_size": 32}),
    Case("norm_left_in_eval", ("normalization", "preprocessing"), "shapes", "Net", {"norm": "batch", "wrong": "norm_eval"}, sgd(lr=0.05) | BRIEF, {WRONG: ""}, {"scale": 255.0}),
    Case("deep_and_bare", VANISHING, "shapes", "plain_deep", NONE, opt(lr=0.001) | {"epochs": 4}, {"model.args.norm": True}),
    Case("forgets_the_start", ("gradient", "activation", "capacity", "initialization"), "memory", "Memory", NONE, opt(lr=0.001) | {"epochs": 4}, {"data.args.length": 12, "model.args.kind": "GRU"}),
    Case("explodes_in_time", ("gradient", "initialization"), "tides", "Memory", {"outputs": 1, "gain": 2.5}, sgd(lr=0.01), {"model.args.gain": 0.9, "training.clip_grad_norm": 1.0}),
    # dropout, regularization, augmentation, batch size
    Case("drops_inputs", ("dropout",), "species", "Table", SPECIES | {"wrong": "drop_inputs"}, opt(), {WRONG: ""}, {"tail": 1.0}),
    Case("drops_hidden", ("dropout",), "houses", "Table", HOUSES | {"wrong": "drop_hidden"}, opt(), {WRONG: ""}),
    Case("drops_before_norm", ("dropout", "normalization"), "shapes", "Net", {"norm": "after_dropout"}, opt() | BRIEF, {"model.args.norm": "batch"}),
    Case("reader_drops", ("dropout",), "reviews", "Reader", {"wrong": "dropout"}, opt(lr=0.002) | BRIEF, {WRONG: ""}),
    Case("adam_decays", ("regularization",), "reviews", "Reader", NONE, opt(lr=0.002, weight_decay=1.0) | BRIEF, {"training.optimizer.weight_decay": 0.0}),
    Case("l1_outweighs", ("regularization", "loss_function"), "cases", "TwoInputs", NONE, opt(lr=0.002) | {"step": "users.py:step_l1", "epochs": 6}, {"training.step": "users.py:step"}),
    Case("shifted_away", ("augmentation",), "shapes", "Net", NONE, opt() | BRIEF, {"data.augment": []}, {}, {"augment": [{"shift": 12}, {"noise": 3.0}]}),
    Case("one_at_a_time", ("batch_size", "learning_rate"), "species", "Table", SPECIES, sgd(lr=0.1) | {"batch_size": 1, "epochs": 3}, {"training.batch_size": 32}, {"tail": 1.0}),
    Case("all_at_once", ("batch_size", "learning_rate"), "reviews", "Reader", NONE, opt(lr=0.001) | {"batch_size": 5000, "epochs": 12}, {"training.batch_size": 32}),
    # loss function
    Case("squares_of_classes", ("loss_function",), "species", "Table", SPECIES | {"outputs": 1}, opt() | {"loss": "mse_loss"}, {}, {"tail": 1.0}),
    Case("binary_of_eight", ("loss_function", "labels"), "species", "Table", SPECIES | {"outputs": 1}, opt() | {"loss": "binary_cross_entropy_with_logits"}, {}, {"tail": 1.0}),
    Case("softmax_twice_reader", ("loss_function",), "reviews", "Reader", {"wrong": "softmax"}, opt(lr=0.002) | BRIEF, {WRONG: ""}),
    Case("sigmoid_before_ce", ("loss_function",), "species", "Table", SPECIES | {"wrong": "sigmoid"}, opt(), {WRONG: ""}, {"tail": 1.0}),
    Case("nll_of_shares", ("loss_function",), "shapes", "Table", SHAPES | {"wrong": "softmax"}, opt() | {"loss": "nll_loss"} | BRIEF, {WRONG: "log_softmax"}, {"flat": True}),
    Case("nll_of_scores", ("loss_function",), "species", "Table", SPECIES, opt() | {"loss": "nll_loss"}, {WRONG: "log_softmax"}, {"tail": 1.0}),
    Case("sign_forgotten", ("loss_function",), "species", "Table", SPECIES, opt() | {"loss": "users.py:likelihood"}, {"training.loss": "cross_entropy"}, {"tail": 1.0}),
    Case("sign_of_a_step", ("loss_function",), "cases", "TwoInputs", NONE, opt() | {"step": "users.py:step_minus", "epochs": 6}, {"training.step": "users.py:step"}),
    Case("sum_for_mean", ("loss_function", "learning_rate"), "houses", "Table", HOUSES, sgd(lr=0.02) | {"loss": "users.py:squares"}, {"training.loss": "mse_loss"}),
    Case("broadcast_to_a_square", ("loss_function",), "houses", "Table", HOUSES, opt() | {"loss": "users.py:broadcast"}, {"training.loss": "mse_loss"}),
    # labels, leakage
    Case("labels_late_by_one", ("labels",), "tides", "Memory", {"kind": "GRU", "outputs": 1}, opt(lr=0.005), {HOW: ""}, {"wrong": "shifted"}),
    Case("labels_permuted", ("labels",), "shapes", "Net", NONE, opt() | BRIEF, {HOW: ""}, {"wrong": "permuted"}),
    Case("labels_guessed", ("labels",), "shapes", "Net", {"norm": "batch"}, opt() | BRIEF, {HOW: ""}, {"wrong": "random40"}),
    Case("known_afterwards", ("leakage",), "houses", "Table", {"inputs": 9}, opt(), {}, {"wrong": "after"}),
    Case("tested_on_training", ("leakage",), "reviews", "Reader", NONE, opt(lr=0.002) | BRIEF, {HOW: ""}, {"wrong": "overlap"}),
    Case("accounts_by_class", ("leakage", "preprocessing"), "species", "Table", SPECIES | {"inputs": 11}, opt(), {}, {"tail": 1.0, "wrong": "account"}, {"standardize": True}),
    # frozen parameters, numerics
    Case("backbone_frozen", ("frozen_parameters",), "shapes", "Net", {"wrong": "frozen"}, opt() | BRIEF, {WRONG: ""}),
    Case("features_without_grad", ("frozen_parameters",), "shapes", "Net", {"norm": "batch", "wrong": "no_grad"}, opt() | BRIEF, {WRONG: ""}),
    Case("branch_detached", ("frozen_parameters",), "cases", "TwoInputs", {"wrong": "detach"}, opt() | {"step": "users.py:step", "epochs": 6}, {WRONG: ""}),
    Case("log_of_zero", ("numerics", "loss_function", "gradient", "preprocessing"), "shapes", "Table", SHAPES, sgd(lr=0.01) | {"loss": "users.py:naive_log"} | BRIEF, {"training.loss": "cross_entropy"}, {"flat": True, "scale": 255.0}),
    Case("root_of_zero", ("numerics", "loss_function", "gradient"), "houses", "Table", HOUSES, opt() | {"loss": "users.py:distance"}, {"training.loss": "mse_loss"}),
    # sound
    Case("third_sound_houses", (), "houses", "Table", HOUSES | {"act": "GELU"}, {"optimizer": {"name": "adamw", "lr": 0.002}} | STOP),
    Case("third_sound_reader", (), "reviews", "Reader", NONE, {"optimizer": {"name": "adamw", "lr": 0.002}, "epochs": 12} | STOP),
    Case("third_sound_shapes", (), "shapes", "Net", {"norm": "batch"}, sgd(lr=0.02) | BRIEF),
    Case("third_sound_shapes_bare", (), "shapes", "Net", NONE, opt() | {"epochs": 12, "scheduler": {"name": "cosine"}}),
    Case("third_sound_tides", (), "tides", "Memory", {"kind": "GRU", "outputs": 1}, opt(lr=0.005) | STOP),
    Case("third_sound_memory", (), "memory", "Memory", {"kind": "LSTM"}, opt(lr=0.01) | BRIEF, {}, {"length": 10}),
    Case("third_sound_cases", (), "cases", "TwoInputs", NONE, opt(lr=0.002) | {"step": "users.py:step", "epochs": 12} | STOP),
    Case("third_sound_species", (), "species", "Table", SPECIES, opt() | STOP, {}, {"tail": 0.8, "apart": 1.5}),
    Case("third_sound_log_softmax", (), "species", "Table", SPECIES | {"wrong": "log_softmax"}, opt() | {"loss": "nll_loss"} | STOP, {}, {"tail": 1.0}),
    Case("third_sound_xor", (), "xor", "Table", {"inputs": 2, "outputs": 2, "act": "Tanh"}, opt(lr=0.01)),
    Case("third_sound_churn", (), "churn", "Table", CHURN, opt(lr=0.002) | {"class_weights": "balanced"} | STOP, {}, {"share": 0.15}),
    Case("third_sound_deep_norm", (), "shapes", "plain_deep", {"depth": 8, "norm": True}, opt() | BRIEF),
    Case("third_sound_regions", (), "regions", "Table", {"inputs": 63}, opt() | STOP, {}, {"one_hot": True}),
    Case("third_sound_dollars", (), "houses", "Table", HOUSES, opt() | STOP, {}, {"dollars": True}, {"standardize_target": True}),
)  # fmt: skip


def _placed(case: Case) -> Case:
    """The case with its files: the data and models of ``users.py``."""
    files = {"train": "users.py:train", "val": "users.py:val", **case.sections}
    return replace(case, net=f"users.py:{case.net}", sections={"data": files}, group="third")


THIRD = tuple(map(_placed, CASES))
