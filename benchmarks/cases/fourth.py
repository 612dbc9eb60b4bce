"""A fourth set, in the manner of questions on public forums, written before the examination had seen any of it."""

# ruff: noqa: E501 (a table: one case a line)
from __future__ import annotations

from dataclasses import replace
from typing import Any

from cases.table import LR, Case, opt, sgd

VOYAGE, SPHERES, CELLS = {"inputs": 6, "outputs": 2}, {"inputs": 10, "outputs": 2}, {"inputs": 4, "outputs": 5}
FUEL, DEMAND, CALLS = {"inputs": 7}, {"inputs": 1}, {"inputs": 6}
ARROWS, TILES = {"channels": 1, "classes": 4, "size": 14}, {"channels": 3, "classes": 3, "size": 12}
ROWS, GENRES = {"inputs": 8, "outputs": 10}, {"inputs": 24, "outputs": 6}
RATE, OPTIMIZER = ("learning_rate", "optimizer"), ("optimizer", "learning_rate")
VANISHING = ("activation", "gradient", "normalization", "initialization")
OVERFIT = ("capacity", "regularization", "dropout", "augmentation", "early_stopping")
WRONG, DATA = "model.args.wrong", "data.args.wrong"
LOGITS, MULTI = {"loss": "binary_cross_entropy_with_logits"}, {"loss": "binary_cross_entropy_with_logits"}
BRIEF, STOP = {"epochs": 8}, {"early_stopping": {"patience": 4}}
NONE: dict[str, Any] = {}
CLEAN = {"raw": False}
SCALED = {"standardize_target": True}

CASES = (
    # learning rate
    Case("post_adam_like_sgd", RATE, "rows", "Rnn", ROWS, opt(lr=0.3), {LR: 0.005}),
    Case("post_sgd_like_adam", (*RATE, "early_stopping"), "rows", "Patches", NONE, {"optimizer": {"name": "sgd", "lr": 1e-4}} | BRIEF, {"training.optimizer": {"name": "adam", "lr": 0.003}}),
    Case("post_rate_one_cnn", RATE, "arrows", "Cnn", ARROWS, sgd(lr=1.0) | BRIEF, {LR: 0.02}),
    Case("post_rmsprop_tenth", RATE, "fuel", "Mlp", FUEL, {"optimizer": {"name": "rmsprop", "lr": 0.5}}, {LR: 0.002}, NONE, {"data": SCALED}),
    Case("post_adam_millionth", RATE, "clicks", "Clicks", NONE, opt(lr=1e-6) | LOGITS, {LR: 0.01, "training.early_stopping": {"patience": 3}}),
    Case("post_gamma_each_epoch", ("learning_rate",), "spheres", "Mlp", SPHERES, opt(lr=0.002) | {"scheduler": {"name": "exponential", "gamma": 0.15}}, {"training.scheduler": None}),
    # optimizer
    Case("post_adagrad_creeps", OPTIMIZER, "cells", "Mlp", CELLS, {"optimizer": {"name": "adagrad", "lr": 1e-4}}, {LR: 0.05}),
    Case("post_rprop_in_batches", OPTIMIZER, "adding", "Rnn", {"inputs": 2}, {"optimizer": {"name": "rprop", "lr": 0.01}, "batch_size": 8}, {"training.optimizer": {"name": "adam", "lr": 0.005}}),
    Case("post_momentum_99", OPTIMIZER, "cells", "Mlp", CELLS, sgd(lr=0.1, momentum=0.995), {"training.optimizer.momentum": 0.9}),
    Case("post_adam_eps", OPTIMIZER, "arrows", "Cnn", ARROWS, opt(lr=0.001, eps=1.0) | BRIEF, {"training.optimizer.eps": 1e-8}),
    # frozen parameters
    Case("post_layers_in_a_dict", ("frozen_parameters", "optimizer"), "spheres", "Mlp", SPHERES | {"hidden": 6, "wrong": "dict"}, opt(), {WRONG: ""}),
    Case("post_through_numpy", ("frozen_parameters",), "cells", "Mlp", CELLS | {"hidden": 8, "wrong": "numpy"}, opt(), {WRONG: ""}),
    Case("post_layer_made_in_forward", ("frozen_parameters", "initialization"), "spheres", "Mlp", SPHERES | {"hidden": 8, "wrong": "fresh"}, opt(), {WRONG: ""}),
    Case("post_biases_only", ("frozen_parameters",), "fuel", "Mlp", FUEL | {"wrong": "biases_only"}, opt(), {WRONG: ""}, NONE, {"data": SCALED}),
    Case("post_step_units", ("frozen_parameters", "activation", "gradient"), "spheres", "Mlp", SPHERES | {"hidden": 16, "wrong": "steps"}, opt(), {WRONG: ""}),
    Case("post_body_frozen", ("frozen_parameters",), "arrows", "Cnn", ARROWS | {"wrong": "frozen"}, opt() | BRIEF, {WRONG: ""}),
    Case("post_vectors_not_found", ("frozen_parameters", "initialization", "preprocessing"), "surnames", "Surname", {"wrong": "frozen"}, opt(), {WRONG: ""}),
    # loss function
    Case("post_softmax_over_batch", ("loss_function", "preprocessing"), "cells", "Mlp", CELLS | {"wrong": "softmax_over_batch"}, opt(), {WRONG: ""}),
    Case("post_log_softmax_dim_0", ("loss_function", "preprocessing"), "spheres", "Mlp", SPHERES | {"wrong": "log_softmax_over_batch"}, opt() | {"loss": "nll_loss"}, {WRONG: "log_softmax"}),
    Case("post_square_of_batch", ("loss_function",), "demand", "Strips", NONE, opt() | {"step": "posts.py:square_of_batch"}, {"training.step": "posts.py:matched"}),
    Case("post_sigmoid_twice", ("loss_function",), "voyage", "Mlp", VOYAGE | {"outputs": 1, "wrong": "sigmoid"}, opt() | LOGITS, {WRONG: ""}, CLEAN),
    Case("post_miles_as_classes", ("loss_function", "labels"), "miles", "Mlp", FUEL | {"outputs": 50}, opt(), {}),
    Case("post_sigmoid_for_miles", ("loss_function", "preprocessing"), "fuel", "Mlp", FUEL | {"wrong": "sigmoid"}, opt(), {WRONG: "", "data.standardize_target": True}),
    Case("post_relu_for_both_signs", ("loss_function", "activation"), "demand", "Rnn", DEMAND | {"wrong": "relu"}, opt(), {WRONG: ""}),
    Case("post_tanh_copies_bytes", ("loss_function", "preprocessing"), "copies", "autoencoder", {"last": "Tanh"}, opt(), {"model.args.last": "Sigmoid", "data.args.raw": False}, {"raw": True}),
    Case("post_one_softmax_for_tags", ("loss_function",), "genres", "Mlp", GENRES, opt() | {"loss": "cross_entropy"}, {"training.loss": "binary_cross_entropy_with_logits"}),
    Case("post_pixels_mixed", ("loss_function", "labels"), "lesions", "Segmenter", NONE, opt() | {"step": "posts.py:pixels_mixed"}, {"training.step": "posts.py:pixels"}),
    Case("post_divergence_of_shares", ("loss_function",), "cells", "Mlp", CELLS, opt() | {"loss": "posts.py:divergence"}, {"training.loss": "cross_entropy"}),
    Case("post_loss_over_a_million", ("loss_function", "learning_rate", "gradient"), "arrows", "Cnn", ARROWS, sgd(lr=0.05) | {"loss": "posts.py:tiny"} | BRIEF, {"training.loss": "cross_entropy"}),
    Case("post_hinge_of_zero_and_one", ("loss_function", "labels"), "spheres", "Mlp", SPHERES | {"outputs": 1}, opt() | {"loss": "posts.py:margin_of_shares"}, {"training.loss": "posts.py:hinge"}),
    Case("post_mse_of_labels", ("loss_function",), "rows", "Mlp", {"inputs": 64, "outputs": 1}, opt() | {"loss": "mse_loss"}, {}),
    # preprocessing
    Case("post_rows_of_length_one", ("preprocessing", "labels"), "spheres", "Mlp", SPHERES, opt(), {DATA: ""}, {"wrong": "unit_rows"}),
    Case("post_voyage_as_it_is", ("preprocessing",), "voyage", "Mlp", VOYAGE, sgd(lr=0.02), {"data.standardize": True}),
    Case("post_imagenet_on_bytes", ("preprocessing",), "tiles", "Cnn", TILES, sgd(lr=0.02) | BRIEF, {DATA: ""}, {"wrong": "imagenet_on_bytes"}),
    Case("post_twice_by_255", ("preprocessing",), "arrows", "Cnn", ARROWS, sgd(lr=0.02) | BRIEF, {DATA: ""}, {"wrong": "twice_by_255"}),
    Case("post_clock_column", ("preprocessing",), "cells", "Mlp", CELLS | {"inputs": 5}, opt(), {"data.standardize": True}, {"wrong": "clock"}),
    Case("post_val_to_minus_one", ("preprocessing",), "arrows", "Cnn", ARROWS, opt() | BRIEF, {DATA: ""}, {"wrong": "val_to_minus_one"}),
    Case("post_val_in_bytes", ("preprocessing",), "rows", "Rnn", ROWS, opt(), {DATA: ""}, {"wrong": "val_own_bytes"}),
    Case("post_log_of_zero", ("preprocessing", "numerics"), "fuel", "Mlp", FUEL, opt(), {DATA: ""}, {"wrong": "log_of_zero"}, {"data": SCALED}),
    Case("post_folders_in_order", ("preprocessing",), "tiles", "Cnn", TILES | {"norm": "batch"}, opt() | {"shuffle": False} | BRIEF, {"training.shuffle": True}, {"wrong": "sorted"}),
    Case("post_pascals_rule", ("preprocessing",), "weather", "Mlp", {"inputs": 9, "outputs": 3}, opt(), {"data.standardize_target": True}),
    Case("post_incomes_as_they_are", ("preprocessing", "loss_function"), "incomes", "Mlp", {"inputs": 8}, opt(), {"data.args.logarithm": True}, {"logarithm": False}),
    Case("post_demand_in_pieces", ("preprocessing",), "demand", "Rnn", DEMAND, opt(), {"data.args.scaled": True}, {"scaled": False}),
    Case("post_view_for_transpose", ("preprocessing", "loss_function"), "arrows", "Cnn", ARROWS | {"wrong": "view"}, opt() | BRIEF, {WRONG: ""}),
    Case("post_batch_second", ("preprocessing",), "adding", "Rnn", {"inputs": 2, "wrong": "batch_second"}, opt(lr=0.005), {WRONG: ""}),
    Case("post_attends_to_batch", ("preprocessing",), "rows", "Patches", {"wrong": "batch_second"}, opt() | BRIEF, {WRONG: ""}),
    Case("post_last_step_is_padding", ("preprocessing", "gradient"), "surnames", "Surname", {"wrong": "last"}, opt(lr=0.002), {WRONG: ""}, {"length": 90}),
    # labels, leakage
    Case("post_target_cast", ("labels", "preprocessing", "class_imbalance"), "shares", "Mlp", {"inputs": 7}, opt(), {DATA: ""}, {"wrong": "cast"}),
    Case("post_encoder_fitted_twice", ("labels",), "cells", "Mlp", CELLS, opt(), {DATA: ""}, {"wrong": "val_encoder"}),
    Case("post_labels_by_coin", ("labels",), "voyage", "Mlp", VOYAGE, opt(), {DATA: ""}, {"wrong": "coins"} | CLEAN),
    Case("post_dropped_from_x_alone", ("labels",), "rows", "Rnn", ROWS, opt(), {DATA: ""}, {"wrong": "unaligned"}),
    Case("post_one_row_off", ("labels",), "fuel", "Mlp", FUEL, opt(), {DATA: ""}, {"wrong": "one_row_off"}, {"data": SCALED}),
    Case("post_letters_copied", ("leakage", "labels"), "letters", "Lines", NONE, opt(), {DATA: ""}, {"wrong": "not_shifted"}),
    Case("post_class_unseen", ("class_imbalance", "labels"), "cells", "Mlp", CELLS, opt(), {DATA: ""}, {"wrong": "unseen"}),
    Case("post_oversampled_first", ("leakage",), "spheres", "Mlp", SPHERES, opt(), {DATA: ""}, {"wrong": "oversampled", "positive": 0.06}),
    Case("post_answer_kept", ("leakage",), "fuel", "Mlp", {"inputs": 8}, opt(), {DATA: "", "model.args.inputs": 7}, {"wrong": "answer_kept"}, {"data": SCALED}),
    # class imbalance
    Case("post_one_in_seventy", ("class_imbalance",), "spheres", "Mlp", SPHERES | {"outputs": 1}, opt(lr=0.0005) | LOGITS | BRIEF, {"data.args.positive": 0.5}, {"positive": 0.015}),
    Case("post_weights_inverted", ("class_imbalance", "loss_function"), "spheres", "Mlp", SPHERES, opt() | {"class_weights": [30.0, 0.5]}, {"training.class_weights": "balanced"}, {"positive": 0.15}),
    Case("post_small_lesions", ("class_imbalance",), "lesions", "Segmenter", NONE, opt(lr=0.0003) | {"epochs": 6}, {"data.args.large": 4.0}, {"large": 0.8}),
    # capacity
    Case("post_one_state", ("capacity",), "rows", "Rnn", ROWS | {"hidden": 1}, opt(lr=0.01), {"model.args.hidden": 32}),
    Case("post_no_activation_cnn", ("activation", "capacity"), "tiles", "Cnn", TILES | {"wrong": "no_activation"}, opt() | BRIEF, {WRONG: ""}),
    Case("post_no_hidden_layer", ("capacity", "activation"), "spheres", "Mlp", SPHERES | {"depth": 0, "hidden": 10}, opt(lr=0.01), {"model.args.depth": 2, "model.args.hidden": 48, LR: 0.003}),
    Case("post_code_of_one", ("capacity",), "copies", "autoencoder", {"code": 1}, opt(), {"model.args.code": 24}),
    Case("post_giant_on_forty", OVERFIT, "voyage", "Mlp", VOYAGE | {"hidden": 1024}, opt(lr=0.001) | {"epochs": 80}, {DATA: "", "model.args.hidden": 16, "training.epochs": 12}, {"wrong": "few"} | CLEAN),
    # activation, initialization, normalization, gradient
    Case("post_softmax_between", ("activation",), "cells", "Mlp", CELLS | {"wrong": "softmax_between"}, opt(lr=0.001), {WRONG: ""}),
    Case("post_seven_sigmoids", VANISHING, "fuel", "Mlp", FUEL | {"depth": 7, "act": "Sigmoid"}, opt(lr=0.001), {"model.args.act": "ReLU"}, NONE, {"data": SCALED}),
    Case("post_forgets_at_once", ("initialization", "gradient", "activation"), "adding", "Rnn", {"inputs": 2, "kind": "RNN", "wrong": "large_recurrence"}, opt(lr=0.003), {WRONG: "", "model.args.kind": "GRU"}),
    Case("post_uniform_0_1", ("initialization",), "cells", "Mlp", CELLS | {"depth": 3, "wrong": "positive"}, opt(), {WRONG: ""}),
    Case("post_zero_last_two", ("initialization",), "fuel", "Mlp", FUEL | {"wrong": "zero_last_two"}, opt(), {WRONG: ""}, NONE, {"data": SCALED}),
    Case("post_cnn_of_zeros", ("initialization",), "arrows", "Cnn", ARROWS | {"wrong": "zeros"}, opt() | BRIEF, {WRONG: ""}),
    Case("post_gru_all_alike", ("initialization",), "rows", "Rnn", ROWS | {"wrong": "ones"}, opt(), {WRONG: ""}),
    Case("post_large_embeddings", ("initialization",), "clicks", "Clicks", {"wrong": "large"}, opt() | LOGITS, {WRONG: ""}),
    Case("post_norm_of_one_value", ("normalization", "capacity", "activation", "gradient"), "fuel", "Mlp", FUEL | {"wrong": "norm_of_one"}, opt(), {WRONG: ""}, NONE, {"data": SCALED}),
    Case("post_norm_remembers_all", ("normalization",), "arrows", "Cnn", ARROWS | {"norm": "slow"}, opt() | BRIEF, {"model.args.norm": "batch"}),
    Case("post_batches_of_two", ("normalization", "batch_size"), "cells", "Mlp", CELLS | {"wrong": "norm"}, opt() | {"batch_size": 2, "epochs": 2}, {"training.batch_size": 32, "training.epochs": 12}),
    Case("post_clipped_to_a_thousandth", ("gradient", "learning_rate", "optimizer"), "tiles", "Cnn", TILES, sgd(lr=0.01) | {"clip_grad_norm": 1e-3} | BRIEF, {"training.clip_grad_norm": 5.0}),
    # dropout, regularization, augmentation, batch size, early stopping
    Case("post_dropout_on_scores", ("dropout",), "arrows", "Cnn", ARROWS | {"wrong": "drop_scores"}, opt() | BRIEF, {WRONG: ""}),
    Case("post_keep_probability", ("dropout",), "cells", "Mlp", CELLS | {"wrong": "keep"}, opt(), {WRONG: ""}),
    Case("post_decay_of_one_half", ("regularization",), "arrows", "Cnn", ARROWS, sgd(lr=0.02, weight_decay=0.3) | BRIEF, {"training.optimizer.weight_decay": 1e-4}),
    Case("post_penalty_on_scores", ("regularization", "loss_function"), "cells", "Mlp", CELLS, opt() | {"loss": "posts.py:ridge"}, {"training.loss": "cross_entropy"}),
    Case("post_arrows_mirrored", ("augmentation", "labels"), "arrows", "Cnn", ARROWS, opt() | BRIEF, {"data.augment": []}, NONE, {"data": {"augment": [{"flip": 0.5}]}}),
    Case("post_crops_too_small", ("augmentation",), "arrows", "Cnn", ARROWS, opt() | BRIEF, {"data.augment": []}, NONE, {"data": {"augment": [{"crop": 0.1}, {"noise": 2.0}]}}),
    Case("post_all_in_one_batch", ("batch_size", "learning_rate", "early_stopping"), "spheres", "Mlp", SPHERES, opt(lr=0.001) | {"batch_size": 2048}, {"training.batch_size": 32}),
    Case("post_two_epochs", ("early_stopping", "learning_rate"), "adding", "Rnn", {"inputs": 2}, opt(lr=0.001) | {"epochs": 2}, {"training.epochs": 30, LR: 0.005}),
    # numerics
    Case("post_spread_of_a_constant_row", ("numerics", "gradient", "preprocessing"), "rows", "Mlp", {"inputs": 64, "outputs": 10, "wrong": "row_scores"}, opt(), {WRONG: ""}),
    Case("post_log_below_zero", ("numerics", "loss_function", "gradient"), "fuel", "Mlp", FUEL, opt() | {"loss": "posts.py:relative"}, {"training.loss": "posts.py:relative_safe"}),
    # sound
    Case("post_sound_voyage", (), "voyage", "Mlp", VOYAGE | {"outputs": 1, "hidden": 16}, opt(lr=0.002) | LOGITS | STOP, {}, CLEAN),
    Case("post_sound_fuel_huber", (), "fuel", "Mlp", FUEL | {"act": "SiLU"}, opt() | {"loss": "smooth_l1_loss"} | STOP, {}, {"raw": True}, {"data": SCALED | {"standardize": True}}),
    Case("post_sound_arrows_shifted", (), "arrows", "Cnn", ARROWS, {"optimizer": {"name": "adamw", "lr": 0.003, "weight_decay": 0.01}, "epochs": 12}, {}, NONE, {"data": {"augment": [{"shift": 1}]}}),
    Case("post_sound_rows_gru", (), "rows", "Rnn", ROWS, opt(lr=0.005) | {"clip_grad_norm": 1.0} | STOP),
    Case("post_sound_surnames", (), "surnames", "Surname", NONE, opt(lr=0.005) | {"epochs": 12} | STOP, {}, {"length": 12}),
    Case("post_sound_lesions", (), "lesions", "Segmenter", NONE, opt() | {"epochs": 10}),
    Case("post_sound_letters", (), "letters", "Lines", NONE, opt(lr=0.005) | {"epochs": 12}),
    Case("post_sound_genres", (), "genres", "Mlp", GENRES | {"hidden": 24}, opt(lr=0.001) | MULTI | STOP),
    Case("post_sound_calls", (), "calls", "Mlp", CALLS | {"hidden": 24}, opt(lr=0.002) | {"loss": "posts.py:poisson"} | STOP),
    Case("post_sound_demand", (), "demand", "Strips", NONE, {"optimizer": {"name": "sgd", "lr": 0.005, "momentum": 0.9, "nesterov": True}} | STOP),
    Case("post_sound_copies", (), "copies", "autoencoder", {"code": 24}, opt(lr=0.002) | {"epochs": 30}),
    Case("post_sound_clicks", (), "clicks", "Clicks", NONE, opt(lr=0.01) | LOGITS | STOP),
    Case("post_sound_residual", (), "spheres", "Residual", SPHERES, {"optimizer": {"name": "adamw", "lr": 0.001}, "epochs": 15, "scheduler": {"name": "warmup_cosine"}}),
    Case("post_sound_incomes", (), "incomes", "Mlp", {"inputs": 8}, opt() | {"loss": "l1_loss"} | STOP, {}, {"logarithm": True}),
    Case("post_sound_group_norm", (), "tiles", "Cnn", TILES | {"norm": "group"}, sgd(lr=0.01) | {"batch_size": 8, "epochs": 8} | STOP),
    Case("post_sound_patches", (), "rows", "Patches", NONE, opt(lr=0.002) | {"epochs": 15}),
    Case("post_sound_normal", (), "fuel", "Spread", FUEL, opt() | {"loss": "posts.py:normal", "epochs": 15} | STOP, {}, NONE, {"data": SCALED}),
    Case("post_sound_one_in_five", (), "spheres", "Mlp", SPHERES, opt() | STOP, {}, {"positive": 0.2}),
    Case("post_sound_adding", (), "adding", "Rnn", {"inputs": 2}, opt(lr=0.005) | {"epochs": 30}),
    Case("post_sound_shares", (), "shares", "Mlp", {"inputs": 7, "wrong": "sigmoid"}, opt() | STOP),
)  # fmt: skip


def _placed(case: Case) -> Case:
    """The case with its files: the data and models of ``posts.py``."""
    files = {"train": "posts.py:train", "val": "posts.py:val", **case.sections.get("data", {})}
    return replace(case, net=f"posts.py:{case.net}", sections={"data": files}, group="fourth")


FOURTH = tuple(map(_placed, CASES))
