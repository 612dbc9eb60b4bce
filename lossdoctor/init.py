"""Write a commented config from a model, data and target."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from lossdoctor.core.config import TABLES
from lossdoctor.core.errors import UsageError

MANY = 20  # distinct whole numbers in a target column from which on it is taken for a quantity, not for classes

TEMPLATE = """\
# lossdoctor probe FILE     examines this training, tries fixes and proves the best one
# lossdoctor train FILE     trains it as it is
# Both import your own code: the model factory below{and_data}.

task: {task}
model:
  factory: {model}  # FILE.py:callable or package.module:callable; returns an nn.Module
  args: {args}  # arguments of the factory
data:
  train: {data}  # FILE.py:callable -> (X, y) or a torch Dataset; or a .csv .tsv .parquet .npz file
{val}{target}  standardize: false  # per input feature, fitted on the training split alone
training:
  loss: {loss}  # a torch.nn.functional name, or FILE.py:callable(output, target)
  optimizer: {{name: adam, lr: 0.001}}  # a torch.optim class and its arguments
  # scheduler: {{name: cosine}}  # cosine, step, exponential, onecycle, warmup_cosine, plateau
  batch_size: 64
  epochs: 30
  # class_weights: balanced
  # clip_grad_norm: 1.0
  # early_stopping: {{patience: 5}}
  seed: 0
probe:
  budget: 2m  # wall clock: 30s, 2m, 1h
  device: auto  # cpu, cuda, cuda:1, mps
  seeds: 3  # paired trainings behind every proof
"""


def init(model: str, data: str, target: str | None = None, val: str | None = None, folder: str | Path = ".") -> str:
    """The text of a config for a model factory and its data, all paths relative to ``folder``.

    The factory's arguments are read from its source and the task is told from the target column; nothing is imported.
    """
    folder = Path(folder)
    arguments = _arguments(folder, model, "--model")
    table = data.lower().endswith(TABLES)
    if not table:
        _arguments(folder, data, "--data")
    elif not (folder / data).is_file():
        raise UsageError(f"--data {data}: there is no such file")
    task = _task(folder / data, target) if data.lower().endswith((".csv", ".tsv", ".parquet")) else "classification"
    return TEMPLATE.format(
        task=f"{task}  # or {'regression' if task == 'classification' else 'classification'}",
        model=model,
        args=_flow(arguments),
        data=data,
        and_data="" if table else " and the data function",
        val=f"  val: {val}\n" if val else "  val_fraction: 0.2  # held out of train; or give val, the same way as train\n",
        target=f"  target: {target}  # the column to predict\n" if target else "",
        loss="cross_entropy" if task == "classification" else "mse_loss",
    )


def _arguments(folder: Path, reference: str, option: str) -> dict[str, Any]:
    """The defaults of a factory's parameters, from its source; those without one must be filled in by hand."""
    place, colon, name = reference.rpartition(":")
    if not colon:
        raise UsageError(f"{option} {reference}: write it as FILE.py:callable or package.module:callable")
    if not place.endswith(".py"):
        return {}
    path = folder / place
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{option} {reference}: {path} cannot be read as Python: {str(error).splitlines()[0]}") from None
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
    if not found:
        known = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        raise UsageError(f"{option} {reference}: {place} defines no {name!r}" + (f"; it has {', '.join(known)}" if known else ""))
    inits = (node for node in ast.walk(found[-1]) if isinstance(node, ast.FunctionDef) and node.name in (name, "__init__"))
    function = next(inits, None)
    return _defaults(function.args) if function else {}


def _defaults(arguments: ast.arguments) -> dict[str, Any]:
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    with_default = dict(zip(reversed(names), reversed(arguments.defaults), strict=False))
    with_default |= {a.arg: default for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default}
    values: dict[str, Any] = {name: "FILL_IN" for name in names if name not in with_default and name != "self"}
    for name, node in with_default.items():
        try:
            values[name] = ast.literal_eval(node)
        except ValueError:
            continue  # a default that is no plain value is best left to the factory
    return dict(sorted(values.items(), key=lambda item: [*names, *values].index(item[0])))


def _task(table: Path, target: str | None) -> str:
    """Classification where the target column holds text, booleans or few distinct whole numbers."""
    import pandas as pd

    if target is None:
        raise UsageError(f"--target is missing: which column of {table.name} is to be predicted?")
    try:
        frame = pd.read_parquet(table) if table.suffix == ".parquet" else pd.read_csv(table, sep="\t" if table.suffix == ".tsv" else ",")
    except Exception as error:
        raise UsageError(f"--data {table}: not a readable table: {str(error).splitlines()[0]}") from None
    if target not in frame.columns:
        raise UsageError(f"--target {target}: {table.name} has no such column; it has {', '.join(map(str, frame.columns[:20]))}")
    column = frame[target]
    if column.dtype.kind == "f":
        return "regression"
    return "classification" if column.dtype.kind not in "iu" or column.nunique() < MANY else "regression"


def _flow(values: dict[str, Any]) -> str:
    """A mapping in YAML's flow style, which JSON is."""
    import json

    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in values.items()) + "}"
