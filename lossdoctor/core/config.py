"""The probe config: its schema, its errors with line numbers, and how a patch is written back with the comments kept."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from lossdoctor.core.errors import BadConfig, UsageError
from lossdoctor.core.families import FAMILIES
from lossdoctor.core.fix import Patch
from lossdoctor.core.text import did_you_mean

TABLES = (".csv", ".tsv", ".parquet", ".npz")
Positive = Annotated[int, Field(gt=0)]


def _seconds(text: Any) -> Any:
    """``2m``, ``90s``, ``1h30m`` or a number of seconds, as seconds."""
    if isinstance(text, bool) or not isinstance(text, str):
        return text
    parts = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not parts or not any(parts.groups()):
        raise ValueError("must be a duration such as 30s, 2m or 1h")
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds


def _known_families(value: Any) -> Any:
    for family in value if isinstance(value, list) else []:
        if family not in FAMILIES:
            raise ValueError(f"{family!r} is no family{did_you_mean(str(family), FAMILIES)}")
    return value


def seconds(duration: float | str, option: str = "--budget") -> float:
    """A duration given on the command line, in seconds."""
    try:
        value = float(_seconds(duration))
    except ValueError as error:
        raise UsageError(f"{option} {duration!r}: {error}") from None
    if value <= 0:
        raise UsageError(f"{option} {duration!r}: must be longer than nothing")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(BaseModel):
    """A torch class by name, with its arguments beside the name."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class ModelSection(Section):
    factory: str = Field(description="FILE.py:callable, relative to this file, or package.module:callable; returns an nn.Module")
    args: dict[str, Any] = {}
    edits: list[dict[str, Any]] = Field([], description="changes made to the built module, in order")
    output_bias: Literal["prior"] | None = Field(None, description="prior: the last layer starts at the shares of the classes, or the mean")


class DataSection(Section):
    train: str = Field(description="FILE.py:callable -> (X, y) or a torch Dataset; or a .csv .tsv .parquet .npz file")
    val: str | None = None
    val_fraction: float = Field(0.2, gt=0, lt=1)
    target: str | None = Field(None, description="target column of a table")
    args: dict[str, Any] = {}
    impute: Literal["median", "mean"] | None = Field(None, description="per feature, for NaN and infinity; fitted on the training split")
    clip: float | None = Field(
        None,
        gt=0,
        lt=0.5,
        description="share of each feature's values that is clipped at either end (winsorized)",
    )
    standardize: bool = Field(False, description="per feature, fitted on the training split alone")
    standardize_target: bool = Field(False, description="regression; metrics stay in the original units")
    augment: list[dict[str, Any]] = Field([], description="random changes of training batches: noise, flip, shift, crop, mixup")


class OptimizerSection(Named):
    name: str = "adam"
    lr: float = Field(0.001, gt=0)


class SchedulerSection(Named):
    name: Literal["cosine", "step", "exponential", "onecycle", "warmup_cosine", "plateau"]


class EarlyStoppingSection(Section):
    patience: Positive = 5


class TrainingSection(Section):
    loss: str | None = Field(None, description="a torch.nn.functional name, or module:callable(output, target)")
    step: str | None = Field(None, description="module:callable(model, batch) -> scalar loss")
    optimizer: OptimizerSection = OptimizerSection()
    scheduler: SchedulerSection | None = None
    batch_size: Positive = 64
    accumulate: Positive = Field(1, description="batches whose gradients are averaged for one step")
    epochs: Positive = 30
    shuffle: bool = True
    class_weights: Literal["balanced"] | list[float] | None = None
    sampler: Literal["balanced"] | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each label that goes to all classes alike")
    focal: float | None = Field(None, gt=0, description="gamma of the focal loss: examples that are right already count less")
    l1: float = Field(0.0, ge=0, description="weight of the L1 penalty: times the sum of the weights' absolute values, added to the loss")
    max_norm: float | None = Field(None, gt=0, description="largest norm of the weights of a unit")
    clip_grad_norm: float | None = Field(None, gt=0)
    amp: bool = Field(False, description="bfloat16 where it is safe, on CUDA; elsewhere it changes nothing")
    early_stopping: EarlyStoppingSection | None = None
    seed: int = 0


class ProbeSection(Section):
    budget: Seconds = Field(120.0, description="wall clock: 30s, 2m, 1h")
    steps: Positive | None = Field(None, description="training steps of all trials together; by default about one full training")
    device: str = "auto"
    executor: Literal["local", "ray"] = Field("local", description="where trials run: processes of this machine, or a Ray cluster")
    address: str | None = Field(
        None,
        description="of the Ray cluster: ray://host:10001, host:6379 or auto; by default RAY_ADDRESS, else a cluster started here",
    )
    gpus: float = Field(1.0, gt=0, description="GPUs, or the share of one, that a trial on a Ray cluster takes if the device is cuda")
    shared: bool = Field(False, description="whether the nodes see the config's folder under the same path, so that Ray need not copy it")
    seeds: Positive = 3
    families: Annotated[Literal["all"] | list[str], BeforeValidator(_known_families)] = "all"


class Config(Section):
    """Everything one training needs, and how it may be probed."""

    task: Literal["classification", "regression"] | None = None
    model: ModelSection
    data: DataSection
    training: TrainingSection = TrainingSection()
    probe: ProbeSection = ProbeSection()


@dataclass(frozen=True)
class ConfigFile:
    """A config on disk: the validated values, and the document with its comments."""

    path: Path
    document: CommentedMap
    config: Config

    @property
    def values(self) -> dict[str, Any]:
        """The config as plain nested values, defaults included."""
        return self.config.model_dump()

    def patched(self, patch: Patch) -> Config:
        """The config with a patch applied, validated again."""
        return Config.model_validate(patch.apply(self.values))

    def write(self, patch: Patch, target: Path) -> None:
        """Write the document with the patch applied, comments kept; references to files stay right in another folder."""
        document = _load(self.path)
        for key, value in patch.changes.items():
            *sections, last = key.split(".")
            node = document
            for section in sections:
                if not isinstance(node.get(section), CommentedMap):
                    _assign(node, section, CommentedMap())
                node = node[section]
            _assign(node, last, value)
        if target.parent.resolve() != self.path.parent.resolve():
            _rebase(document, self.path.parent, target.parent)
        yaml = YAML()
        yaml.width = 10_000
        yaml.indent(mapping=2, sequence=4, offset=2)
        with target.open("w", encoding="utf-8") as file:
            yaml.dump(document, file)


def load(path: str | Path) -> ConfigFile:
    """Read and validate a config; every error names the file, the line and the nearest known key."""
    path = Path(path)
    document = _load(path)
    try:
        return ConfigFile(path, document, Config.model_validate(document))
    except ValidationError as error:
        raise BadConfig(_sentence(path, document, error)) from None


def schema() -> dict[str, Any]:
    """The JSON Schema of a config, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def _load(path: Path) -> CommentedMap:
    try:
        document = YAML().load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}" if mark else ""
        raise BadConfig(f"{path}{where}: not valid YAML: {(error.problem or '').splitlines()[0]}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: not a YAML text file: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read: {error.strerror}; `lossdoctor init` writes a config") from None
    if not isinstance(document, CommentedMap):
        raise BadConfig(f"{path}: expected the sections model, data and training; `lossdoctor init` writes a config")
    return document


def _sentence(path: Path, document: CommentedMap, error: ValidationError) -> str:
    first = min(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", len(e["loc"]) * -1))
    location = [part for part in first["loc"] if not (isinstance(part, str) and re.search(r"[\[\]()]|^(literal|list|str|int|float)", part))]
    key = ".".join(str(part) for part in location)
    where = f"{path}:{_line(document, location)}"
    if first["type"] == "extra_forbidden":
        known = _keys(location[:-1])
        return f"{where}: unknown key {location[-1]!r}{did_you_mean(str(location[-1]), known)}; known here: {', '.join(known)}"
    if first["type"] == "missing":
        return f"{where}: {key} is missing; `lossdoctor init` writes a config with every key explained"
    problem = first["msg"].removeprefix("Value error, ")
    return f"{where}: {key}: {problem[0].lower() + problem[1:]}, not {first['input']!r}"


def _line(document: CommentedMap, location: list[Any]) -> int:
    """The line of a key, or of the nearest section that holds it, counted from 1."""
    node: Any = document
    line = 0
    for part in location:
        try:
            line = node.lc.item(part)[0] if isinstance(node, CommentedSeq) else node.lc.key(part)[0]
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line + 1


def _keys(location: list[Any]) -> list[str]:
    """The keys that the schema knows at a location."""
    model: type[BaseModel] = Config
    for part in location:
        annotation = model.model_fields[part].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), model)
    return list(model.model_fields)


def _assign(node: CommentedMap, key: str, value: Any) -> None:
    """Set a key; a new one goes where it parts no comment from what it speaks of."""
    if key in node:
        node[key] = value
        return
    calm = [place for place, known in enumerate(node, 1) if not _spills(node, known)]
    node.insert(calm[-1] if calm else 0, key, value)


def _spills(node: Any, key: Any) -> bool:
    """Whether lines of comment (or blank ones) follow a key's value: they belong to what comes next."""
    comment = (node.ca.items.get(key) or [None] * 4)[2 if isinstance(node, CommentedMap) else 0]
    if comment is not None and "\n" in comment.value.rstrip(" ")[:-1]:
        return True
    value = node[key]
    if isinstance(value, CommentedMap) and value:
        return _spills(value, next(reversed(value)))
    return isinstance(value, CommentedSeq) and len(value) > 0 and _spills(value, len(value) - 1)


def _rebase(document: CommentedMap, source: Path, target: Path) -> None:
    """Rewrite references to files that were relative to ``source`` so that they are to ``target``."""
    for section, key in (("model", "factory"), ("data", "train"), ("data", "val"), ("training", "loss"), ("training", "step")):
        reference = (document.get(section) or {}).get(key)
        file, colon, name = str(reference).partition(":") if reference else ("", "", "")
        if file.endswith((".py", *TABLES)) and not Path(file).is_absolute():
            document[section][key] = os.path.relpath(source / file, target) + colon + name
