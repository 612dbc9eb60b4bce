"""Columns are known by their names, however a framework spells them."""

from __future__ import annotations

import pytest

from lossdoctor.core import names

LABELS = {
    "train_loss": [
        *("loss", "train/loss", "Train Loss", "loss_train", "training_loss", "train_loss_epoch", "train_loss_step", "Loss/train"),
        *("trainLoss", "TrainLoss", "total_loss", "train/total_loss", "batch_loss", "epoch_loss", "train-loss", "tr_loss", "avg_loss"),
        *("cost", "objective", "losses/total_loss", "Training loss:", "训练损失", "trainloss", "loss/total", "TOTAL LOSS"),
        *("训练集损失", "Потери на обучении", "학습 손실", "訓練損失", "Verlust", "pérdida", "Perda", "perte", "Mini-batch Loss"),
    ],
    "val_loss": [
        "val_loss",
        "eval_loss",
        "validation/loss",
        "valid_loss",
        "val_loss_epoch",
        "val/loss",
        "eval/loss",
        "Dev Loss",
        "Loss/val",
        *("平均验证损失", "Потери на валидации", "검증 손실", "検証損失", "Val-Verlust", "pérdida de validación"),
    ],
    "test_loss": ["test_loss", "test/loss", "testing_loss"],
    "train_accuracy": ["acc", "accuracy", "train_acc", "top1", "acc1", "Acc@1", "sparse_categorical_accuracy", "train/top-1", "prec1"],
    "val_accuracy": ["val_acc", "eval_accuracy", "val_sparse_categorical_accuracy", "val/accuracy_top-1", "valacc", "val_acc@1"],
    "val_balanced_accuracy": ["val_balanced_accuracy", "val_bal_acc", "eval/balanced_accuracy"],
    "val_precision": ["val_precision", "metrics/precision(B)", "val_prec"],
    "val_mae": ["val_mae", "val_L1"],
    "val_auc": ["val_auc", "val_AUC-ROC", "val_roc_auc_score"],
    "test_accuracy": ["test_acc", "test_acc1", "te_acc", "测试集准确率", "Точность на тестовой выборке", "테스트 정확도"],
    "lr": [
        "lr",
        "learning_rate",
        "train_lr",
        "lr-Adam",
        "lr/pg0",
        "lr-AdamW/pg1",
        "x/lr0",
        "train/learning_rate",
        "learningRate",
        "Lr",
        "学习率",
    ],
    "grad_norm": [
        "grad_norm",
        "gradient_norm",
        "gnorm",
        "train/grad_norm",
        "grad_2.0_norm_total",
        "total_grad_norm",
        *("grad/global_norm", "grads/total_norm", "gradients/norm", "optim/total_grad_norm", "grad_norm_l2", "model/grad_norm"),
        "global_gradient_norm",
        "norm",
    ],
    "step": [
        "step",
        "iteration",
        "iter",
        "global_step",
        "trainer/global_step",
        "_step",
        "current_steps",
        "num_updates",
        "train/global_step",
    ],
    "epoch": ["epoch", "Epoch", "train/epoch", "ep", "Эпоха", "에폭", "エポック", "Época"],
    "time": ["_timestamp", "wall_time", "elapsed_time", "time", "_runtime"],
    "step_time": ["step_time", "iter_time", "batch_time", "dt"],
    "reward": [
        "reward",
        "Episode reward",
        "rollout/ep_rew_mean",
        "mean 100 episode reward",
        "episode_return",
        "AverageEpRet",
        "Total Reward",
    ],
    "train_policy_loss": ["Policy Loss", "policy_loss", "train/policy_loss"],
    "train_value_loss": ["Value Loss", "value_loss"],
    "train_box_loss": ["train/box_loss", "loss_box", "box_loss"],
    "val_g0_loss": ["eval_g0_loss"],
    "train_nll": ["nll", "train_nll"],
    "train_mse": ["mse", "mean_squared_error", "train_mean_squared_error"],
    "val_mse": ["val_mean_squared_error"],
    "train_cross_entropy": ["cross_entropy", "train/xent"],
    "val_map50_95": ["metrics/mAP50-95(B)"],
    "train_f1": ["f1", "train_f1_score"],
    "train_class_3_recall": ["class_3_recall"],
    "val_macro_f1": ["val/macro_f1"],
    "train_perplexity": ["ppl", "train_ppl"],
    "val_perplexity": ["validation lm loss PPL"],
    "train_dice": ["dice_coef", "Dice Score", "dices"],
    "val_dice_loss": ["val_dice_coef_loss"],
    "val_iou": ["val_mean_io_u", "val_IoU_score", "val_jaccard_index"],
    "val_map_0_5": ["mAP@0.5", "val_mAP_0.5"],
    "val_hr10": ["hit_ratio@10", "HR@10"],
    "val_ndcg10": ["NDCG@10", "val_ndcg@10"],
    "val_spearman": ["eval_spearman_rho"],
    "val_cosine": ["val_cos", "val_cosine_similarity"],
    "train_1_loss": ["loss1", "loss_1"],
    "train_psnr": ["PSNR_dB"],
    "val_top5_accuracy": ["metrics/accuracy_top5"],
    "data_time": ["avg_reader_cost"],
}


@pytest.mark.parametrize(("name", "label"), [(name, label) for label, spelled in LABELS.items() for name in spelled])
def test_name(name: str, label: str) -> None:
    role = names.recognise(name)
    assert role is not None
    assert role.label == label


@pytest.mark.parametrize(
    "name",
    [
        *("total_steps", "max_steps", "n_parameters", "best_val_loss", "min_loss", "loss_scale", "loss_weight", "weight_decay", "eta"),
        *("eval_runtime", "eval_samples_per_second", "early_stopping_threshold", "gpt2 - train/loss__MAX", "filename", "", "42", "value"),
        *("最佳验证损失", "Лучшая точность"),
    ],
)
def test_no_series(name: str) -> None:
    assert names.recognise(name) is None


def test_rivals_are_no_whole() -> None:
    for name in ("d_loss", "loss_G", "generator_loss", "Value Loss", "critic_loss", "loss/discriminator"):
        role = names.recognise(name)
        assert role is not None
        assert role.rival, name


def test_settings() -> None:
    raw = {
        "batchSize": "64",
        "config": {"learning_rate": "1e-3", "optimizer": "adam"},
        "weight_decay": 0.1,
        "host": "x",
        "nested": {"a": {}},
    }
    assert names.settings(raw) == {
        "training.batch_size": 64,
        "training.optimizer.lr": 0.001,
        "training.optimizer.name": "adam",
        "training.optimizer.weight_decay": 0.1,
    }


def test_a_number_too_long_for_any_float_is_infinite() -> None:
    assert names.number("9" * 400) == float("inf")
    assert names.number("17") == 17
