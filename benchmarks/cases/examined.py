"""Cases for the examination: faults that no change of the config mends, faults that others met, and sound trainings of more kinds."""

# ruff: noqa: E501 (a table: one case a line)
from __future__ import annotations

from cases.table import ADAM, BLOBS, CANCER, DIABETES, DIGITS, FRIEDMAN, IRIS, LINE, SPIRAL, WINE, Case, opt, sgd

PICTURES, RINGS, WALKS, FLIGHTS = {"outputs": 3}, SPIRAL | {"outputs": 2}, {"inputs": 2, "outputs": 2}, SPIRAL | {"outputs": 2}
HETERO, WIDE, CROWD = ({"inputs": n, "outputs": m} for n, m in ((5, 1), (18, 1), (33, 40)))
MIXED = ("preprocessing", "loss_function", "normalization")
VANISHING = ("activation", "gradient", "normalization", "initialization")
HOW = "data.args."

EXAMINED = (
    # labels: wrong, out of step, out of range
    Case("noise_digits", ("labels",), "digits", "mlp", DIGITS, opt(), {HOW + "noise": 0.0}, {"noise": 0.35}),
    Case("noise_blobs", ("labels",), "blobs", "mlp", BLOBS, opt(), {HOW + "noise": 0.0}, {"noise": 0.4}),
    Case("noise_crowd", ("labels",), "crowd", "mlp", CROWD, opt(), {HOW + "noise": 0.0}, {"noise": 0.3}),
    Case("noise_spiral", ("labels",), "spiral", "mlp", SPIRAL, opt(), {HOW + "noise": 0.0}, {"noise": 0.3}),
    Case("rolled_blobs", ("labels",), "blobs", "mlp", BLOBS, opt(), {HOW + "rolled": 0}, {"rolled": 3}),
    Case("rolled_friedman", ("labels",), "friedman", "mlp", FRIEDMAN, opt(), {HOW + "rolled": 0}, {"rolled": 5}),
    Case("rolled_diabetes", ("labels",), "diabetes", "mlp", DIABETES, opt(), {HOW + "rolled": 0}, {"rolled": 1}),
    Case("from_one_wine", ("labels", "loss_function"), "wine", "mlp", WINE, opt(), {HOW + "from_one": False}, {"from_one": True}),
    Case("from_one_iris", ("labels", "loss_function"), "iris", "mlp", IRIS, opt(), {HOW + "from_one": False}, {"from_one": True}),
    # leakage
    Case("copied_digits", ("leakage",), "digits", "mlp", DIGITS, opt(), {HOW + "copied": 0.0}, {"copied": 0.3}),
    Case("copied_wine", ("leakage",), "wine", "mlp", WINE, opt(), {HOW + "copied": 0.0}, {"copied": 0.5}),
    Case("near_cancer", ("leakage",), "cancer", "mlp", CANCER, opt(), {HOW + "copied": 0.0}, {"copied": 0.3, "copied_noise": 0.005}),
    Case("near_friedman", ("leakage",), "friedman", "mlp", FRIEDMAN, opt(), {HOW + "copied": 0.0}, {"copied": 0.2, "copied_noise": 0.003}),
    Case("near_diabetes", ("leakage",), "diabetes", "mlp", DIABETES, opt(), {HOW + "copied": 0.0}, {"copied": 0.4, "copied_noise": 0.005}),
    Case("rows_iris", ("leakage",), "iris", "mlp", IRIS | {"inputs": 5}, opt(lr=0.01) | {"epochs": 30}, {}, {"rows": True}),
    Case("rows_blobs", ("leakage",), "blobs", "mlp", BLOBS | {"inputs": 21}, opt(), {}, {"rows": True}),
    Case("given_diabetes", ("leakage",), "diabetes", "mlp", DIABETES | {"inputs": 11}, opt(), {}, {"given_away": True}),
    Case("given_hetero", ("leakage",), "hetero", "mlp", HETERO | {"inputs": 6}, opt(), {}, {"given_away": True}),
    # preprocessing: blanks, splits, layout
    Case("nan_blobs", ("preprocessing",), "blobs", "mlp", BLOBS, opt(), {HOW + "blank": ""}, {"blank": "nan"}),
    Case("inf_diabetes", ("preprocessing",), "diabetes", "mlp", DIABETES, opt(), {HOW + "blank": ""}, {"blank": "inf"}),
    Case("val_scale_cancer", ("preprocessing",), "cancer", "mlp", CANCER, opt(), {HOW + "val_scale": 1.0}, {"val_scale": 30.0}),
    Case("val_offset_digits", ("preprocessing",), "digits", "mlp", DIGITS, opt(), {}, {"val_scale": 16.0}),
    Case("last_pictures", ("preprocessing",), "pictures", "colour_cnn", PICTURES | {"inputs": 12}, opt(lr=0.01), {}, {"layout": "last"}),
    Case("last_stripes", ("preprocessing",), "stripes", "colour_cnn", PICTURES | {"inputs": 16}, opt(lr=0.01), {}, {"layout": "last"}),
    Case("mangled_stripes", ("preprocessing",), "stripes", "colour_cnn", PICTURES, opt(lr=0.01), {HOW + "layout": ""}, {"layout": "mangled"}),
    Case("mangled_pictures", ("preprocessing",), "pictures", "colour_cnn", PICTURES, opt(lr=0.01), {HOW + "layout": ""}, {"layout": "mangled"}),
    Case("twice_pictures", ("preprocessing",), "pictures", "colour_cnn", PICTURES | {"divide": 255.0}, opt(), {"model.args.divide": 1.0}),
    Case("twice_stripes", ("preprocessing",), "stripes", "colour_cnn", PICTURES | {"divide": 255.0}, opt(lr=0.01), {"model.args.divide": 1.0}),
    Case("raw_stripes", ("preprocessing",), "stripes", "colour_cnn", PICTURES, sgd(lr=0.03), {HOW + "scale": 1.0}, {"scale": 255.0}),
    Case("padded_tokens", ("preprocessing",), "tokens", "Recurrent", {"inputs": 16, "vocabulary": 20}, opt(lr=0.01), {}, {"padded": 120}),
    Case("padded_phrases", ("preprocessing",), "phrases", "Recurrent", {"inputs": 16, "vocabulary": 30}, opt(lr=0.01), {}, {"padded": 90}),
    Case("sorted_blobs", ("preprocessing",), "blobs", "mlp", BLOBS, sgd(lr=0.05) | {"shuffle": False}, {"training.shuffle": True}, {"sort": True}),
    # examples of a batch mixed
    Case("mixed_softmax_digits", MIXED, "digits", "Odd", DIGITS | {"wrong": "batch_softmax"}, opt(), {"model.args.wrong": ""}),
    Case("mixed_reshape_cancer", MIXED, "cancer", "Odd", CANCER | {"wrong": "reshape"}, opt(), {"model.args.wrong": ""}),
    Case("mixed_mean_blobs", MIXED, "blobs", "Odd", BLOBS | {"wrong": "batch_mean"}, opt(), {"model.args.wrong": ""}),
    Case("mixed_lstm_walks", MIXED, "walks", "Lstm", WALKS | {"batch_first": False}, opt(lr=0.01), {"model.args.batch_first": True}),
    Case("mixed_reshape_iris", MIXED, "iris", "Odd", IRIS | {"wrong": "reshape"}, opt(lr=0.01), {"model.args.wrong": ""}),
    # evaluation is another model
    Case("eval_dropout_digits", ("dropout",), "digits", "Odd", DIGITS | {"wrong": "dropout"}, opt(), {"model.args.wrong": ""}),
    Case("eval_dropout_cancer", ("dropout",), "cancer", "Odd", CANCER | {"wrong": "dropout"}, opt(), {"model.args.wrong": ""}),
    Case("norm_memory_stripes", ("normalization",), "stripes", "colour_cnn", PICTURES | {"norm": True, "momentum": 1e-4}, opt(lr=0.01), {"model.args.momentum": 0.1}),
    Case("norm_memory_digits", ("normalization",), "digits", "Odd", DIGITS | {"wrong": "norm", "momentum": 1e-5}, opt(lr=0.01), {"model.args.momentum": 0.1}, {"offset": 2.0}),
    Case("norm_memory_wine", ("normalization",), "wine", "Odd", WINE | {"wrong": "norm", "momentum": 1e-5}, opt(lr=0.01), {"model.args.momentum": 0.1}, {"offset": 2.0}),
    Case("norm_two_blobs", ("normalization", "batch_size"), "blobs", "mlp", BLOBS | {"norm": True}, opt() | {"batch_size": 2, "epochs": 4}, {"training.batch_size": 32}),
    Case("norm_two_digits", ("normalization", "batch_size"), "digits", "mlp", DIGITS | {"norm": True}, opt() | {"batch_size": 2, "epochs": 3}, {"training.batch_size": 32}),
    # gradient, numerics, parameters
    Case("log_cancer", ("gradient", "numerics"), "cancer", "Odd", CANCER | {"wrong": "log"}, opt(), {"model.args.wrong": ""}),
    Case("root_digits", ("gradient", "numerics"), "digits", "Odd", DIGITS | {"wrong": "root"}, opt(), {"model.args.wrong": ""}),
    Case("root_wine", ("gradient", "numerics"), "wine", "Odd", WINE | {"wrong": "root"}, opt(), {"model.args.wrong": ""}),
    Case("rnn_explodes_walks", ("gradient", "initialization"), "walks", "deep_rnn", WALKS | {"scale": 6.0}, sgd(lr=0.05), {"model.args.scale": 1.0}),
    Case("rnn_explodes_sequences", ("gradient", "initialization"), "sequences", "deep_rnn", WALKS | {"inputs": 3, "scale": 8.0}, sgd(lr=0.05), {"model.args.scale": 1.0}),
    Case("vanishes_friedman", VANISHING, "friedman", "mlp", FRIEDMAN | {"depth": 8, "activation": "sigmoid"}, sgd(lr=0.03), {"model.args.activation": "relu"}),
    Case("vanishes_hetero", VANISHING, "hetero", "mlp", HETERO | {"depth": 7, "activation": "sigmoid", "hidden": 32}, opt(lr=0.001), {"model.args.activation": "relu"}),
    Case("detach_blobs", ("frozen_parameters",), "blobs", "Odd", BLOBS | {"wrong": "detach", "hidden": 16}, opt(), {"model.args.wrong": ""}),
    Case("detach_spiral", ("frozen_parameters",), "spiral", "Odd", SPIRAL | {"wrong": "detach"}, opt(), {"model.args.wrong": ""}),
    Case("frozen_wine", ("frozen_parameters",), "wine", "mlp", WINE | {"frozen": 2, "hidden": 16}, opt(), {"model.args.frozen": 0}),
    Case("dead_wide", ("activation", "initialization"), "wide", "mlp", WIDE | {"init": "dead"}, opt(), {"model.args.init": ""}),
    Case("huge_init_hetero", ("initialization",), "hetero", "mlp", HETERO | {"init": "huge"}, opt(), {"model.args.init": ""}),
    Case("decay_wide", ("regularization",), "wide", "mlp", WIDE, sgd(lr=0.01, weight_decay=1.0), {"training.optimizer.weight_decay": 0.0}),
    Case("one_unit_crowd", ("capacity",), "crowd", "mlp", CROWD | {"hidden": 2}, opt(lr=0.01), {"model.args.hidden": 64}),
    Case("whole_batch_crowd", ("batch_size", "learning_rate"), "crowd", "mlp", CROWD, opt() | {"batch_size": 2100}, {"training.batch_size": 32}),
    Case("rare_cancer", ("class_imbalance",), "cancer", "mlp", CANCER, opt(), {"training.class_weights": "balanced"}, {"rare": 30, "positive": 0}),
    # as others met them (Stack Overflow, and the faults of published benchmarks), on data of ours
    Case("met_sigmoid_parabola", ("loss_function", "preprocessing"), "parabola", "mlp", LINE | {"output": "sigmoid", "hidden": 5, "depth": 1, "activation": "sigmoid"}, sgd(lr=0.01, momentum=0.0) | {"batch_size": 150}),
    Case("met_softmax_wide", ("loss_function", "preprocessing"), "wide_raw", "mlp", WIDE | {"output": "relu", "depth": 3}, opt(lr=0.001) | {"batch_size": 35}),
    Case("met_relu_parabola_sgd", ("preprocessing",), "parabola", "mlp", LINE | {"hidden": 128, "depth": 1, "dropout": 0.2}, sgd(lr=0.01)),
    Case("met_sigmoid_crowd", ("loss_function",), "crowd", "mlp", CROWD | {"output": "sigmoid", "hidden": 33, "depth": 4}, opt(lr=0.001) | {"batch_size": 20, "epochs": 10}, {"model.args.output": ""}),
    Case("met_sigmoid_iris_raw", ("loss_function",), "iris_raw", "mlp", IRIS | {"output": "sigmoid", "hidden": 4, "depth": 1}, opt(lr=0.001) | {"batch_size": 5, "epochs": 50}, {"model.args.output": ""}),
    Case("met_slow_clusters", ("learning_rate", "optimizer", "early_stopping"), "clusters", "mlp", WALKS | {"hidden": 2, "depth": 1, "activation": "sigmoid"}, opt(lr=0.001) | {"epochs": 5}),
    Case("met_dropout_logits_digits", ("dropout",), "digits", "Odd", DIGITS | {"wrong": "dropout"}, opt(lr=0.001) | {"batch_size": 20}, {"model.args.wrong": ""}),
    Case("met_relu_out_hetero", ("loss_function",), "hetero", "mlp", HETERO | {"hidden": 16, "depth": 2, "output": "relu"}, sgd(lr=0.01), {"model.args.output": ""}),
    Case("met_pyramid_digits", VANISHING, "digits", "mlp", DIGITS | {"hidden": 16, "depth": 5, "activation": "sigmoid"}, opt(lr=0.001) | {"batch_size": 500}, {"model.args.activation": "relu"}),
    Case("met_constant_wide", ("initialization",), "wide", "mlp", WIDE | {"init": "constant"}, opt(lr=0.001), {"model.args.init": ""}),
    Case("met_low_diabetes", ("learning_rate", "optimizer"), "diabetes", "mlp", DIABETES, opt(lr=1e-5), {"training.optimizer.lr": 0.001}),
    Case("met_tanh_wide", ("loss_function", "preprocessing"), "wide_raw", "mlp", WIDE | {"output": "tanh", "activation": "tanh"}, opt(lr=0.001)),
    Case("met_raw_line", ("preprocessing",), "parabola", "mlp", LINE | {"depth": 0}, sgd(lr=0.01) | {"batch_size": 1, "epochs": 5, "shuffle": False}, {}, {"scale": 100.0}),
    Case("met_dropout_stripes", ("dropout",), "digits", "cnn", {"dropout": 0.9}, opt(lr=0.001) | {"batch_size": 128}, {"model.args.dropout": 0.0}, {"images": True}),
    # sound
    Case("sound_residual_digits", (), "digits", "Residual", DIGITS, opt(lr=0.001)),
    Case("sound_residual_cancer", (), "cancer", "Residual", CANCER, opt(lr=0.001) | {"early_stopping": {"patience": 5}}),
    Case("sound_lstm_walks", (), "walks", "Lstm", WALKS, opt(lr=0.005) | {"early_stopping": {"patience": 3}}),
    Case("sound_lstm_sequences", (), "sequences", "Lstm", WALKS | {"inputs": 3}, opt(lr=0.005) | {"early_stopping": {"patience": 3}}),
    Case("sound_cnn_norm_stripes", (), "stripes", "colour_cnn", PICTURES | {"norm": True}, opt(lr=0.01)),
    Case("sound_cnn_pictures", (), "pictures", "colour_cnn", PICTURES | {"norm": True}, opt(lr=0.01)),
    Case("sound_cnn_norm_digits", (), "digits", "cnn", {"norm": True}, opt(), {}, {"images": True}),
    Case("sound_embedding_phrases", (), "phrases", "Recurrent", {"inputs": 16, "vocabulary": 30}, opt(lr=0.01)),
    Case("sound_attention_phrases", (), "phrases", "Attention", {"vocabulary": 30}, opt(lr=0.002)),
    Case("sound_hetero", (), "hetero", "mlp", HETERO, opt() | {"early_stopping": {"patience": 5}}),
    Case("sound_wide", (), "wide", "mlp", WIDE | {"hidden": 32}, opt() | {"early_stopping": {"patience": 5}}),
    Case("sound_one_to_four_blobs", (), "blobs", "mlp", BLOBS | {"outputs": 2}, opt() | {"early_stopping": {"patience": 3}}, {}, {"rare": 4}),
    Case("sound_one_to_four_digits", (), "digits", "mlp", DIGITS | {"outputs": 2}, opt() | {"early_stopping": {"patience": 3}}, {}, {"rare": 4, "positive": 8}),
    Case("sound_rings", (), "rings", "mlp", RINGS, opt(lr=0.01)),
    Case("sound_flights_tanh", (), "flights", "mlp", FLIGHTS | {"activation": "tanh"}, sgd(lr=0.05)),
    Case("sound_crowd", (), "crowd", "mlp", CROWD | {"hidden": 128}, opt() | {"early_stopping": {"patience": 3}}),
    Case("sound_norm_wine", (), "wine", "mlp", WINE | {"norm": True}, opt(lr=0.01) | {"early_stopping": {"patience": 3}}),
    Case("sound_rnn_walks", (), "walks", "deep_rnn", WALKS, {"optimizer": ADAM, "clip_grad_norm": 1.0}),
)  # fmt: skip
