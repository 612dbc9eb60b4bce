"""What a column's name means: its split, its metric, and how well it fits.

Every framework spells the same few things in its own way (``train/loss``, ``Loss/train``, ``loss_train``, ``trainLoss``,
``train_loss_step``). A name is cut into words; the words that name a split, a metric or nothing of interest are taken
away; what is left tells a part (``box`` in ``train/box_loss``) from the whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


def _list(spelled: str) -> list[str]:
    return spelled.split()


def _set(spelled: str) -> frozenset[str]:
    return frozenset(spelled.split())


AXES = ("step", "epoch")  # a column of these is a coordinate, not a curve
PROPER = ("nll", "cross_entropy", "bce", "logloss", "mse")
"""Metrics that a training minimises as they are."""
LOSSLIKE = ("nll", "cross_entropy", "bce", "logloss", "mse", "rmse", "mae", "mape", "perplexity", "bpb", "error")
"""Metrics that serve as the loss where a log has none, in this order; lower is better in all."""

_SPLITS = {
    "train": "train training trn tr learn fit trainings entrenamiento treino treinamento entrainement",
    "val": "val valid validation va eval evaluation evaluate dev holdout heldout cv validierung validierungs validacion validacao",
    "test": "test testing tst te",
}
SPLIT = {word: split for split, words in _SPLITS.items() for word in words.split()}

_METRICS = {
    "loss": "loss losses cost criterion objective verlust perte perda perdida perdita",
    "accuracy": "acc accs accuracy accuracies accu wacc top1 acc1 prec1 acc@1 prec@1 top@1 hit@1 genauigkeit acuracia exactitud",
    "top5_accuracy": "top5 acc5 prec5 acc@5 prec@5 top@5",
    "balanced_accuracy": "bacc uar",
    "error": "err error errors top1err errorrate merror",
    "nll": "nll nlls",
    "cross_entropy": "ce xent crossentropy",
    "bce": "bce",
    "logloss": "logloss mlogloss",
    "mse": "mse mses",
    "rmse": "rmse rmses",
    "mae": "mae maes",
    "mape": "mape smape",
    "perplexity": "perplexity perplexities ppl ppls",
    "bpb": "bpb bpc bpd",
    "f1": "f1 f1s f1score fscore",
    "auc": "auc aucs auroc rocauc mauc",
    "precision": "precision precisions prec",
    "recall": "recall recalls",
    "map": "map map50 map75 map5095 ap ap50 ap75",
    "iou": "iou ious miou jaccard",
    "dice": "dice dices dsc",
    "r2": "r2",
    "bleu": "bleu bleu4",
    "rouge": "rouge rouge1 rouge2 rougel rougelsum",
    "wer": "wer",
    "cer": "cer",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auprc": "auprc aupr",
    "chrf": "chrf",
    "meteor": "meteor",
    "sdr": "sdr sisdr sisnr snr",
    "psnr": "psnr",
    "ssim": "ssim",
    "fid": "fid",
    "mcc": "mcc matthews",
    "kappa": "kappa",
    "mrr": "mrr",
    "ndcg": "ndcg",
    "spearman": "spearman spearmanr",
    "pearson": "pearson pearsonr pcc",
    "cosine": "cos cosine cossim",
    "entropy": "entropy",
    "kl": "kl kld",
    "elbo": "elbo loglik loglikelihood",
    "reward": "reward rewards return returns rew eprew eprewmean",
    "grad_norm": "gradnorm gnorm",
}
METRIC = {word: metric for metric, words in _METRICS.items() for word in words.split()}
# of the k ranked first: hits@10, ndcg10; hit@1 is the accuracy
_AT_K = [f"{metric}@{k}" for metric in ("hits", "hit", "hr", "mrr", "ndcg", "recall", "precision") for k in (1, 3, 5, 10, 20, 50, 100)]
METRIC = {spelled: word.replace("@", "") for word in _AT_K for spelled in (word, word.replace("@", ""))} | METRIC
_OF_RANKING = {"mrr", "ndcg", *(METRIC[word] for word in _AT_K)} - {"accuracy"}

# pairs of words that say one thing
_PHRASES: dict[tuple[str, ...], str] = {
    ("log", "loss"): "logloss",
    ("binary", "logloss"): "logloss",
    ("multi", "logloss"): "logloss",
    ("binary", "error"): "error",
    ("multi", "error"): "error",
    ("cross", "entropy"): "crossentropy",
    ("mean", "squared", "error"): "mse",
    ("mean", "absolute", "error"): "mae",
    ("root", "mse"): "rmse",
    ("roc", "auc", "score"): "auroc",
    ("roc", "auc"): "auroc",
    ("auc", "roc"): "auroc",
    ("average", "precision", "score"): "ap",
    ("f1", "score"): "f1",
    ("top", "1"): "top1",
    ("top", "5"): "top5",
    ("error", "rate"): "errorrate",
    ("spearman", "rho"): "spearman",
    ("cosine", "similarity"): "cossim",
    ("cosine", "sim"): "cossim",
    ("cos", "sim"): "cossim",
    ("learning", "rate"): "lr",
    ("learn", "rate"): "lr",
    ("learning", "rates"): "lr",
    **{("dice", word): "dice" for word in ("coef", "coeff", "coefficient", "score")},
    **{("jaccard", word): "jaccard" for word in ("coef", "coefficient", "index", "score")},
    ("iou", "score"): "iou",
    ("io", "u"): "iou",  # Keras cuts MeanIoU so
    ("r2", "score"): "r2",
    **{(grad, "norm"): "gradnorm" for grad in ("grad", "grads", "gradient", "gradients")},
    **{(grad, which, "norm"): "gradnorm" for grad in ("grad", "grads", "gradient", "gradients") for which in ("total", "global", "l2")},
    ("grad", "2", "0", "norm"): "gradnorm",
    ("time", "cost"): "elapsed",
    ("bal", "acc"): "bacc",
    ("balanced", "acc"): "bacc",
    ("balanced", "accuracy"): "bacc",
    ("per", "class", "acc"): "bacc",
    ("per", "class", "accuracy"): "bacc",
    ("sparse", "categorical", "accuracy"): "acc",
    ("categorical", "accuracy"): "acc",
    ("binary", "accuracy"): "acc",
    ("m", "acc"): "bacc",  # of segmentation: aAcc over all pixels, mAcc over the classes
    ("a", "acc"): "acc",
    ("accuracy", "top1"): "top1",
    ("accuracy", "top5"): "top5",
    ("ep", "ret"): "return",
    ("lm", "loss", "value"): "loss",  # Megatron's "lm loss value"; an agent's is "value loss"
    ("lm", "loss", "ppl"): "ppl",
    ("err", "d"): "dloss",  # DCGAN's errD
    ("err", "g"): "gloss",
    ("log", "likelihood"): "loglik",
    ("log", "lik"): "loglik",
    ("bits", "per", "byte"): "bpb",
    ("bits", "per", "char"): "bpb",
}

_TOTAL = {"total", "overall", "sum", "combined", "full"}
_DECOR = _set(
    "epoch step batch iter iteration avg average mean running smoothed smooth ema current cur per of the on in set all "
    "lm data dataset metrics metric history log logs scalar scalars global model main final b end last keras tf db mini minibatch"
)
_REWARD_DECOR = _set("ep episode episodic rollout env environment 100 undiscounted charts info raw runners total cumulative")
_LR_DECOR = re.compile(
    r"cosine|adam\w*|w|sgd|rmsprop|lion|adagrad|pg\d+|group\d*|param\w*|optimizer|optim|base|x|\d+|schedule|scheduler|lrs?\d*"
)
_GRAD_DECOR = {"total", "l2", "optim", "optimizer", "before", "clip", "clipping", "unclipped"}
# metrics that belong to no split unless their name says so, and the words that say nothing beside them
_OWN: dict[str, Collection[str]] = {"reward": _REWARD_DECOR, "grad_norm": _GRAD_DECOR, "entropy": (), "kl": ()}
# words that make a name something else: a record, a spread, a hyperparameter, a count
_NOT_A_SERIES = _set(
    "best min max std var lowest highest decreased improved weight weights scale scaler scaling coef coeff coefficient hist lambda "
    "patience threshold count num n runtime seconds second sec secs samples remaining eta every mult decay warmup initial init target "
    "delta difference diff improvement early stopping function fn type name"
)
_NORMS = {"l1": "mae", "l2": "mse"}  # val_L1; elsewhere the words mean a penalty, or a part of a loss
_BOXES = _set("bbox segm box mask coco s m l small medium large p r")
_RIVALS = _set("d g real fake dis disc discriminator gen generator critic adversarial adv gan dloss gloss")
_PLAYERS = re.compile(r"(?:d|g)_(?:a|b|gan|l1|real|fake)|(?:cycle|idt)_(?:a|b)")  # CycleGAN and pix2pix name losses without the word
_AGENT = _set("policy value vf pg actor critic entropy q qf qf1 qf2 td kl alpha ent pi v approx approxkl surrogate clip clipfrac")

_STEPS = _list(
    "globalstep totaltimesteps numtimesteps timesteps timestep step iteration iterations iter iters itr it currentsteps currentstep "
    "numupdates update updates nupdates frame frames numframes envsteps totalenvinteracts batch batchid batchidx kimg examplecounter "
    "episode episodes game games ngames totalstep"
)
_EPOCHS = _list("epoch epoche epoca epoque currentepoch epochnum epochid ep")
_TIMES = _set("time walltime timestamp runtime elapsed elapsedtime timeelapsed relativetime wall t")
_STEP_TIMES = _set(
    "steptime itertime batchtime iterationtime secperstep secondsperstep secperiter timeperstep timeperiter dt stepms "
    "batchcost avgbatchcost"
)
_DATA_TIMES = _set("datatime dataloadingtime loadtime dataload readercost avgreadercost datacost")
_THROUGHPUT = re.compile(r"^(tokens?|tok|samples?|images?|imgs?|examples?|it|iters?|steps?)per(s|sec|second)$|^(throughput|fps|ips)$")
_RUN = _set("run runid runname trial trialid trialname fold seed experiment experimentname job jobid model modelname")
_PHASE = _set("split mode phase stage subset partition dataset")
_GLUED = re.compile(
    r"(?<![a-z])(train|val|valid|test|eval|trainings|validierungs|t(?=acc)|v(?=acc))"
    r"(loss|acc|accuracy|error|err|auc|f1|rmse|logloss|mse|mae|ppl|verlust|genauigkeit)(?![a-z])"
)
_NUMBERED = re.compile(r"(?<![a-z])loss(?=\d)")  # loss1 and loss_1 are the same
_MAP_AT = re.compile(r"(?<=map)@(?=[\d.])", re.I)  # mAP@0.5 is mAP_0.5
_HIT_RATIO = re.compile(r"hit[ _-]?(?:ratio|rate)(?=@)", re.I)
_WORDS_KEPT = re.compile(r"dB|mAP|mIoU|IoU|mAUC|ROUGE|LogLoss|logLoss|RMSE|MAE")
_FOREIGN = {
    "lr": r"学习率|学習率|학습률|скорость обучения",
    "best": r"最佳|最好|最优|最良|최고|лучш\w*",
    "discriminator": r"判别器|판별자|дискриминатор\w*",
    "generator": r"生成器|생성자|генератор\w*",
    "train": r"训练|訓練|学習|학습|훈련|обуч\w*|тренир\w*",
    "val": r"验证|検証|검증|валид\w*|проверочн\w*",
    "test": r"测试|テスト|테스트|тест\w*",
    "loss": r"损失|損失|손실|потер\w*|лосс",
    "error": r"误差|誤差|오차|ошибк\w*",
    "acc": r"准确率|正确率|精度|正解率|정확도|точност\w*",
    "reward": r"奖励|报酬|報酬|보상|наград\w*",
    "epoch": r"轮次|轮|エポック|에포크|에폭|эпох\w*",
    "step": r"步数|步|ステップ|스텝|шаг\w*|итераци\w*|迭代|반복",
    "episode": r"回合|エピソード|에피소드|эпизод\w*",
    "mean": r"平均|평균|средн\w*",
    "set": r"集|セット|셋|выборк\w*|набор\w*",
}
"""How other scripts spell the words of a name: Chinese, Japanese, Korean, Russian. Accents are no hindrance."""
_ENGLISH = [(re.compile(spelled, re.I), f" {english} ") for english, spelled in _FOREIGN.items()]
_PARTICLES = _set("на в по de del da do di des du der die das の")


KNOWN = frozenset(
    {*SPLIT, *METRIC, *_TOTAL, *_DECOR, *_NOT_A_SERIES, *_REWARD_DECOR}
    | {"learning", "rate", "lr", "gradient", "grad", "norm", "cross", "squared", "absolute", "balanced", "categorical", "global", "time"}
) - {"on", "in", "of", "the", "is", "info"}
"""Words that belong to a name where they stand before a metric in running text."""


@dataclass(frozen=True)
class Role:
    """What a column is.

    ``split`` is empty for what has none (``lr``). Of several columns for one label, the one of the lowest ``rank`` is taken.
    ``part`` is empty for the whole, else what the name adds to the metric: ``box`` in ``train/box_loss``, ``g0`` in ``eval_g0_loss``.
    """

    metric: str
    split: str = ""
    rank: int = 0
    part: str = ""

    @property
    def label(self) -> str:
        metric = f"{self.part}_{self.metric}" if self.part else self.metric
        return f"{self.split}_{metric}" if self.split else metric

    @property
    def rival(self) -> bool:
        """A loss of a game between two networks, or of an agent: it need not fall when all is well."""
        return bool(set(self.part.split("_")) & (_RIVALS | _AGENT))


@lru_cache(maxsize=65_536)
def words(name: str) -> tuple[str, ...]:
    """A name's words in lower case: ``trainLoss/Box`` is train, loss, box."""
    if not name.isascii():
        name = _translated(name)
    name = _MAP_AT.sub("_", _HIT_RATIO.sub("hr", name))
    name = _WORDS_KEPT.sub(lambda match: f"_{match[0].lower()}", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return tuple(word for word in re.split(r"[^\w@]+|_+", _GLUED.sub(r"\1 \2", _NUMBERED.sub("loss ", name))) if word)


def _translated(name: str) -> str:
    """A name with the words of other scripts in English, without accents and the particles between."""
    for spelled, english in _ENGLISH:
        name = spelled.sub(english, name)
    apart = unicodedata.normalize("NFKD", name)
    plain = unicodedata.normalize("NFC", "".join(char for char in apart if not unicodedata.combining(char)))
    return " ".join(word for word in plain.split() if word.lower() not in _PARTICLES)


@lru_cache(maxsize=65_536)
def recognise(name: str) -> Role | None:
    """What a column of this name is, or None where the name says nothing we know."""
    name = re.sub(r"__(MIN|MAX)$", " min", name[:300])
    found = words(name)
    if not found:
        return None
    splits = [SPLIT[word] for word in found if word in SPLIT]
    split = splits[0] if splits else ""
    if not split and name.startswith("metrics/") and not any("loss" in word for word in found):
        split = "val"  # Ultralytics measures metrics/precision(B) and their like on the validation set
    rest = _phrases([word for word in found if word not in SPLIT])
    clock = _clock(rest, found, own=name.startswith("_"))
    return clock or _rate(rest) or _score(rest, split) or _distance(rest, split) or _metric(rest, split)


def is_run(name: str) -> bool:
    """Whether a column of this name tells one run from another."""
    return name == "#run" or "".join(words(name)) in _RUN


def is_phase(name: str) -> bool:
    """Whether a column of this name says which split its row is of."""
    return "".join(words(name)) in _PHASE


VARIANT = "variant"  # ClearML's second half of a metric's name: train, of loss
TIDY = {
    "metric": "value",
    "metricName": "metricValue",
    "metric_name": "value",
    "tag": "value",
    "series": "value",
    "key": "value",
    "name": "value",
}
TIDY |= {"attribute_path": "float_value", VARIANT: "value"}
TIDY |= {"value": "", "metricValue": "", "float_value": ""}
"""In a table of one row a measurement (MLflow, Comet, Neptune, ClearML): the column with the metric's name, and the one with its value."""


def is_wanted(name: str) -> bool:
    """Whether a column of this name is kept without being asked for."""
    return recognise(name) is not None or is_run(name) or is_phase(name) or name in TIDY


def split_of(text: str) -> str | None:
    """The split that a word names, or None."""
    found = words(text)
    return SPLIT.get(found[0]) if found else None


def role(label: str) -> Role:
    """The role with this label, as ``--map`` writes it: ``train_loss``, ``lr``, ``step``."""
    split, _, metric = label.partition("_")
    return Role(metric, split, -1) if split in _SPLITS and metric else Role(label, "", -1)


_SETTINGS = {
    "training.optimizer.lr": "lr initiallr baselr initlr lr0",
    "training.optimizer.name": "optimizer optim optimizername optimmethod",
    "training.optimizer.momentum": "momentum",
    "training.optimizer.weight_decay": "weightdecay wd",
    "training.batch_size": "batchsize trainbatchsize perdevicetrainbatchsize bs",
    "training.epochs": "epochs numepochs nepochs maxepochs maxepoch numtrainepochs totalepochs",
    "training.loss": "lossfunction lossfn criterion",
    "training.clip_grad_norm": "clipgradnorm maxgradnorm gradclip gradclipnorm gradientclipval clipgrad",
    "model.args.dropout": "dropout droprate",
    "data.num_classes": "numclasses nclasses nclass classes numlabels",
}
_SETTING = {word: key for key, spelled in _SETTINGS.items() for word in spelled.split()}


@lru_cache(maxsize=4096)
def setting(name: str) -> str | None:
    """The dotted config key that a hyperparameter's name stands for, or None."""
    return _SETTING.get("".join(_phrases(words(name.rsplit("/", 1)[-1].rsplit(".", 1)[-1]))))


def settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``raw`` that are settings we know, by dotted key; nested mappings are looked into, one level."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        if isinstance(value, Mapping):
            found = {**settings({k: v for k, v in value.items() if not isinstance(v, Mapping)}), **found}
        elif (key := setting(str(name))) and isinstance(value, str | int | float) and not isinstance(value, bool):
            found[key] = number(value)
    return found


def number(value: Any) -> Any:
    """A text that spells a number as that number; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        parsed = float(value)
    except ValueError:
        return value
    return int(parsed) if abs(parsed) < float("inf") and re.fullmatch(r"[+-]?\d+", value.strip()) else parsed


def _phrases(found: Iterable[str]) -> list[str]:
    """Words with the known phrases made one: mean, squared, error is mse."""
    found = list(found)
    for phrase, word in _PHRASES.items():
        size = len(phrase)
        for at in range(len(found) - size + 1):
            if tuple(found[at : at + size]) == phrase:
                found = [*found[:at], word, *found[at + size :]]
                break
    return found


def _clock(rest: list[str], found: tuple[str, ...], own: bool) -> Role | None:
    """Steps, epochs and times; ``own`` is a counter of the logger's own (W&B's ``_step`` counts calls of ``log``)."""
    whole = "".join(found)
    if whole in _STEP_TIMES:
        return Role("step_time")
    bare = "".join(word for at, word in enumerate(rest) if at or len(rest) == 1 or word not in {"trainer", "time", "performance", "misc"})
    for metric, spelled in (("step", _STEPS), ("epoch", _EPOCHS)):
        if bare in spelled:
            return Role(metric, "", spelled.index(bare) + 100 * own)
    if whole in _DATA_TIMES:
        return Role("data_time")
    if whole in _TIMES:
        return Role("time", "", len(found))
    if _THROUGHPUT.search(whole):
        return Role("throughput")
    return None


def _rate(rest: list[str]) -> Role | None:
    """The learning rate, of any optimizer and parameter group."""
    hit = [word for word in rest if re.fullmatch(r"lrs?\d*|learningrate\d*", word)]
    others = [word for word in rest if word not in _DECOR and not _LR_DECOR.fullmatch(word) and word not in hit]
    if not hit or others:
        return None
    return Role("lr", "", len(rest) + int("".join(re.findall(r"\d", "".join(rest))) or 0))


def _score(rest: list[str], split: str) -> Role | None:
    """A score and nothing more: of a game, or of anything."""
    said = {word for word in rest if word not in _DECOR and word not in _REWARD_DECOR}
    return Role("score") if not split and said and said <= {"score", "scores"} else None


def _distance(rest: list[str], split: str) -> Role | None:
    """An error called by its norm: ``val_L1``."""
    return Role(_NORMS[rest[0]], split) if split and len(rest) == 1 and rest[0] in _NORMS else None


def _metric(rest: list[str], split: str) -> Role | None:
    """A loss, a score or a norm; with what is left of the name as its part."""
    if set(rest) & _NOT_A_SERIES:
        return None
    if rest == ["norm"]:
        return Role("grad_norm")  # llm.c
    known = [word for word in rest if word in METRIC]
    if not known:
        if not any(word.endswith("loss") for word in rest) and not _PLAYERS.fullmatch("_".join(rest)):
            return None
        return Role("loss", split or "train", 0, "_".join(word.removesuffix("loss") for word in rest))
    metric = "loss" if "loss" in (METRIC[word] for word in known) else METRIC[known[-1]]
    extra = [word for word in rest if METRIC.get(word) != metric and word not in _DECOR]
    rank = _twin(rest, split)
    if metric == "loss" and set(extra) <= _TOTAL:
        # a total is the whole for sure; a plain name may be a part that lost its adjective
        return Role("loss", split or "train", rank + (not extra) * 2 + (not split) * 3)
    if metric in _OWN:
        if "rate" in extra:
            return None  # how often there is a reward
        split, mute = ("" if metric == "grad_norm" else split), _OWN[metric]
        return Role(metric, split, rank, "_".join(word for word in extra if word not in mute))
    if metric in {"map", "rouge"}:
        detail = [word for word in rest if word not in _DECOR]
        if not all(word in METRIC or word.isdigit() or word in _BOXES for word in detail):
            return None
        return Role("_".join(detail), split or "val", rank)
    return Role(metric, split or ("val" if metric in _OF_RANKING else "train"), rank, "_".join(extra))


def _twin(rest: list[str], split: str) -> int:
    """Lightning logs a metric as ``_step`` and as ``_epoch``: the step twin shows the noise of training, while for
    validation, which is no sequence of steps, the epoch twin is the measurement."""
    if {"epoch", "step"} & set(rest):
        return int(("epoch" in rest) == (split in ("", "train")))
    return 0


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The ``count`` names of ``known`` most like ``name``."""
    from difflib import get_close_matches

    by_lower = {other.lower(): other for other in known}
    return [by_lower[close] for close in get_close_matches(name.lower(), list(by_lower), count, 0.3)]
