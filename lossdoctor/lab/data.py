"""The user's data as splits that hand out batches: arrays, tables and torch Datasets alike."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, default_collate

from lossdoctor.core.config import TABLES, DataSection
from lossdoctor.core.errors import BadConfig, UserCodeError
from lossdoctor.lab.user_code import guard, load_callable

if TYPE_CHECKING:
    import pandas as pd

IN_MEMORY = 100_000  # examples of a Dataset that are read into memory at most; a larger one is read batch by batch

Batch = Any


@dataclass(frozen=True)
class Scaler:
    """Per-feature mean and standard deviation of the training split; a constant feature is only centred."""

    mean: Tensor
    std: Tensor

    @classmethod
    def fit(cls, values: Tensor) -> Scaler:
        """Fit on ``values`` of shape [n, ...]: images per channel, everything else per last-but-batch feature; NaN is passed over."""
        values = values.double()
        axes = _axes(values)
        known = torch.isfinite(values)
        count = known.sum(dim=axes, keepdim=True).clamp(min=1)
        mean = torch.where(known, values, 0.0).sum(dim=axes, keepdim=True) / count
        var = torch.where(known, (values - mean) ** 2, 0.0).sum(dim=axes, keepdim=True) / count
        std = var.sqrt()
        std = torch.where(std > 1e-12 * mean.abs().clamp(min=1e-300), std, torch.ones_like(std))
        return cls(mean.float(), std.float())

    def apply(self, values: Tensor) -> Tensor:
        return (values - self.mean.to(values.device)) / self.std.to(values.device)

    def undo(self, values: Tensor) -> Tensor:
        """Back to the original units, whether or not ``values`` keeps a trailing axis of one."""
        mean, std = self.mean.to(values.device), self.std.to(values.device)
        return values * std.reshape(-1) + mean.reshape(-1) if mean.numel() > 1 else values * std.reshape(()) + mean.reshape(())


@dataclass(frozen=True)
class Imputer:
    """What stands for a missing value of each feature: the median or mean of the training split; 0 where a feature has no value at all."""

    fill: Tensor

    @classmethod
    def fit(cls, values: Tensor, how: str) -> Imputer:
        known = np.where(np.isfinite(found := values.cpu().numpy()), found, np.nan)
        with warnings.catch_warnings():  # of features without a value
            warnings.simplefilter("ignore", RuntimeWarning)
            fill = (np.nanmedian if how == "median" else np.nanmean)(known, axis=_axes(values), keepdims=True)
        return cls(torch.from_numpy(np.nan_to_num(fill)).to(values))

    def apply(self, values: Tensor) -> Tensor:
        return torch.where(torch.isfinite(values), values, self.fill.to(values.device))


@dataclass(frozen=True)
class Clipper:
    """Quantiles of each feature of the training split, to which lower and higher values are moved (winsorized; Tukey 1962).

    A feature whose bounds meet is left alone: it is 0 nearly always, and the rest is what it tells.
    """

    low: Tensor
    high: Tensor

    @classmethod
    def fit(cls, values: Tensor, share: float) -> Clipper:
        low, high = np.nanquantile(values.cpu().numpy(), (share, 1 - share), axis=_axes(values), keepdims=True)
        same = low == high
        low, high = np.where(same, -np.inf, low), np.where(same, np.inf, high)
        return cls(torch.from_numpy(low).to(values), torch.from_numpy(high).to(values))

    def apply(self, values: Tensor) -> Tensor:
        return values.clamp(self.low.to(values.device), self.high.to(values.device))


@dataclass(frozen=True)
class TensorSplit:
    """Examples in memory: ``x`` [n, ...] and ``y`` [n, ...]."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, index: Tensor) -> Batch:
        """The examples at ``index`` as (x, y)."""
        index = index.to(self.x.device)
        return self.x[index], self.y[index]

    def to(self, device: torch.device) -> TensorSplit:
        return TensorSplit(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class DatasetSplit:
    """A Dataset that is asked anew for every batch: random augmentation, items of any structure, or too many to hold."""

    dataset: Any
    device: torch.device | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, index: Tensor) -> Batch:
        """The examples at ``index``, collated as a DataLoader would."""
        with guard("data: reading the Dataset"):
            items = [self.dataset[int(i)] for i in index]
        return to_device(default_collate(items), self.device)

    def to(self, device: torch.device) -> DatasetSplit:
        return replace(self, device=device)


Split = TensorSplit | DatasetSplit


def _axes(values: Tensor) -> tuple[int, ...]:
    """The axes that statistics of inputs are taken over: images per channel, everything else per last-but-batch feature."""
    return (0, *range(2, values.dim())) if values.dim() == 4 else (0,)


def load_splits(section: DataSection, folder: Path, seed: int = 0) -> tuple[Split, Split, list[str]]:
    """The training and the validation split, and the names of the features where a table gives them.

    Without ``data.val`` a share of ``val_fraction`` is held out, by class where the targets are classes; the same rows
    for every seed of a training, so that trials can be compared.
    """
    train, names, classes = _load(section, section.train, "data.train", folder)
    if section.val is not None:
        val, _, _ = _load(section, section.val, "data.val", folder, classes)
        return train, val, names
    held_out = _hold_out(train, section.val_fraction, seed)
    rest = np.setdiff1d(np.arange(len(train)), held_out)
    if not len(held_out) or not len(rest):
        raise BadConfig(f"data: {len(train)} examples are too few to hold out {section.val_fraction:.0%} of them; give data.val")
    return _subset(train, rest), _subset(train, held_out), names


def exchanged(train: TensorSplit, val: TensorSplit, number: int) -> tuple[TensorSplit, TensorSplit]:
    """Fold ``number`` (from 1) of a cross-validation (Stone 1974) whose fold 0 is ``val``: as many other examples held out.

    What ``val`` held is trained on instead, so that both splits keep their size. The folds do not overlap until all of
    ``train`` has been held out once; each has of every class about its share.
    """
    rank = np.random.default_rng(0).permutation(len(train)).astype(np.float64)
    if train.y.dim() == 1 and not train.y.is_floating_point():
        for value in np.unique(classes := train.y.cpu().numpy()):
            members = np.flatnonzero(classes == value)
            rank[members] = (np.argsort(np.argsort(rank[members])) + 0.5) / len(members)
    order = torch.from_numpy(np.argsort(rank, kind="stable"))
    held = torch.roll(order, -(number - 1) * len(val))[: len(val)]
    rest = torch.ones(len(train), dtype=torch.bool).index_fill(0, held, False).nonzero().flatten()
    (x, y), fold = train.batch(rest), train.batch(held)
    return TensorSplit(torch.cat([x, val.x]), torch.cat([y, val.y])), TensorSplit(*fold)


def to_device(batch: Batch, device: torch.device | None) -> Batch:
    """A batch of any structure, its tensors moved."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, Sequence) and not isinstance(batch, str):
        return [to_device(value, device) for value in batch]
    return batch


def _load(
    section: DataSection, reference: str, key: str, folder: Path, classes: list[str] | None = None
) -> tuple[Split, list[str], list[str] | None]:
    if reference.lower().endswith(TABLES):
        return _table(folder / reference, section.target, key, classes)
    function = load_callable(reference, folder, key)
    with guard(f"{key}: {reference}"):
        made = function(**section.args)
    if isinstance(made, IterableDataset):
        raise BadConfig(f"{key}: {reference} returned an IterableDataset, which has no length; return a map-style Dataset")
    if isinstance(made, Dataset) or (hasattr(made, "__getitem__") and hasattr(made, "__len__") and not isinstance(made, list | tuple)):
        return _dataset(made, key), [], None
    if not isinstance(made, list | tuple) or len(made) != 2:
        raise BadConfig(f"{key}: {reference} returned {type(made).__name__}; return (X, y) or a torch Dataset")
    x, y = (_tensor(part, f"{key}: {reference} returned {name} that") for part, name in zip(made, ("X", "y"), strict=True))
    return _pair(x, y, f"{key}: {reference}"), [str(name) for name in getattr(made[0], "columns", [])], None


def _dataset(dataset: Any, key: str) -> Split:
    """Read a small Dataset of fixed (x, y) tensors once; keep any other as it is."""
    with guard(f"{key}: reading the Dataset"):
        if len(dataset) == 0:
            raise BadConfig(f"{key}: the Dataset is empty")
        first, again = dataset[0], dataset[0]
    fixed = isinstance(first, tuple | list) and len(first) == 2 and all(_same(a, b) for a, b in zip(first, again, strict=True))
    if not fixed or len(dataset) > IN_MEMORY:
        return DatasetSplit(dataset)
    with guard(f"{key}: reading the Dataset"):
        items = [dataset[i] for i in range(len(dataset))]
        try:
            x, y = default_collate([tuple(item) for item in items])
        except (RuntimeError, TypeError):  # examples of different shapes: the user's own step knows what to do with them
            return DatasetSplit(dataset)
    return TensorSplit(_as_input(x), _as_target(y)) if isinstance(x, Tensor) and isinstance(y, Tensor) else DatasetSplit(dataset)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor | np.ndarray):
        return bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f"))
    return isinstance(a, int | float) and a == b


def _table(path: Path, target: str | None, key: str, classes: list[str] | None) -> tuple[Split, list[str], list[str] | None]:
    """A table with one row an example; text targets become classes in alphabetical order."""
    if not path.is_file():
        raise BadConfig(f"{key}: there is no file {path}")
    if path.suffix.lower() == ".npz":
        return _npz(path, target, key), [], None
    frame = _frame(path, key)
    columns = [str(column) for column in frame.columns]
    if target is None or target not in columns:
        raise BadConfig(f"data.target: {target!r} is no column of {path.name}; it has {', '.join(columns[:20])}")
    y = frame.iloc[:, columns.index(target)]
    features = frame.drop(columns=[y.name])
    _check_numeric(features, path, key)
    if y.dtype.kind not in "iufb":
        classes = classes or sorted(str(value) for value in y.dropna().unique())
        y = y.astype(str).map({name: index for index, name in enumerate(classes)})
        if y.isna().any():
            raise BadConfig(f"data.target: {path.name} has classes in {target!r} that the training table has not, or blank cells")
    x = torch.from_numpy(features.to_numpy(dtype=np.float32, na_value=np.nan).copy())
    return _pair(x, torch.from_numpy(y.to_numpy().copy()), key), [str(c) for c in features.columns], classes


def _frame(path: Path, key: str) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, sep="\t" if path.suffix.lower() == ".tsv" else ",")
    except ImportError as error:
        raise BadConfig(f"{key}: reading {path.name} needs pyarrow; run: pip install pyarrow") from error
    except Exception as error:
        raise BadConfig(f"{key}: {path} is not a readable table: {str(error).splitlines()[0]}") from error


def _check_numeric(features: pd.DataFrame, path: Path, key: str) -> None:
    """A column of text is an error that names it and shows a cell of it."""
    for name, column in features.items():
        if column.dtype.kind not in "iufb":
            text = [str(cell) for cell in column.dropna() if not str(cell).replace(".", "", 1).lstrip("-").isdigit()]
            raise BadConfig(
                f"{key}: column {str(name)!r} of {path.name} is not numeric (it holds {next(iter(text), '')!r}); encode it or drop it"
            )


def _npz(path: Path, target: str | None, key: str) -> Split:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            stored = {name: arrays[name] for name in arrays.files}
    except Exception as error:
        raise BadConfig(f"{key}: {path} is not a readable .npz file of plain arrays: {str(error).splitlines()[0]}") from error
    label = next((name for name in (target, "y", "Y", "targets", "labels") if name in stored), None)
    rest = [name for name in ("x", "X", "inputs", "data") if name in stored] or [name for name in stored if name != label]
    if label is None or not rest:
        raise BadConfig(f"{key}: {path.name} holds {', '.join(stored)}; it needs arrays x and y")
    return _pair(_tensor(stored[rest[0]], key), _tensor(stored[label], key), key)


def _tensor(values: Any, what: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise BadConfig(f"{what} is not numeric (dtype {array.dtype}); encode it as numbers")
    return torch.from_numpy(np.ascontiguousarray(array))


def _pair(x: Tensor, y: Tensor, what: str) -> TensorSplit:
    if len(x) != len(y):
        raise UserCodeError(f"{what}: X has {len(x)} examples and y has {len(y)}; they must be as many")
    if not len(x):
        raise BadConfig(f"{what}: there are no examples")
    return TensorSplit(_as_input(x), _as_target(y))


def _as_input(x: Tensor) -> Tensor:
    """Floats as float32; integers stay, for embeddings."""
    return x.float() if x.is_floating_point() or x.dtype in (torch.bool, torch.uint8) else x.long()


def _as_target(y: Tensor) -> Tensor:
    return y.float() if y.is_floating_point() else y.long()


def _hold_out(split: Split, fraction: float, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    random = np.random.default_rng(seed)
    n = len(split)
    classes = split.y.numpy() if isinstance(split, TensorSplit) and split.y.dim() == 1 and not split.y.is_floating_point() else np.zeros(n)
    groups = [np.flatnonzero(classes == value) for value in np.unique(classes)]
    if len(groups) > n * fraction:
        groups = [np.arange(n)]
    return np.sort(np.concatenate([random.permutation(group)[: round(len(group) * fraction)] for group in groups]))


def _subset(split: Split, index: np.ndarray[Any, np.dtype[np.int64]]) -> Split:
    if isinstance(split, TensorSplit):
        return TensorSplit(*split.batch(torch.from_numpy(index)))
    return DatasetSplit(torch.utils.data.Subset(split.dataset, index.tolist()))
