"""A fix turns a finding into patches of the config."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lossdoctor.core.check import Finding
from lossdoctor.core.unit import Unit

EDITS = "model.edits"
LR = "training.optimizer.lr"
EPOCHS = "training.epochs"
# words in the name of an argument that is a width, and in that of one that is something else
WIDTH = frozenset(("hidden", "width", "units", "neurons", "dim", "channels", "filters", "latent", "code", "bottleneck", "nhid"))
NO_WIDTH = frozenset(("in", "input", "inputs", "out", "output", "outputs", "classes", "layers", "blocks", "heads", "depth"))


class Settings:
    """Read access to a config by dotted key; what is unknown is None.

    The same view serves a full probe config and the few settings that a log happens to tell.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values = values or {}

    def get(self, key: str, default: Any = None) -> Any:
        """The value at ``training.optimizer.lr``, whether stored nested or under the dotted key itself."""
        if key in self.values:
            return self.values[key]
        node: Any = self.values
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                return default
            node = node[part]
        return default if node is None else node

    def widths(self, units: Any = None) -> dict[str, Any]:
        """The arguments of the model's factory that their names, or the value ``units``, tell to be the units of hidden layers.

        A number, or a list with one for each layer.
        """
        found: dict[str, Any] = {}
        for name, value in (self.get("model.args") or {}).items():
            words = set(name.lower().split("_"))
            meant = words & WIDTH or value == units or name.lower() in ("d_model", "features")
            if meant and not words & NO_WIDTH and _is_size(value):
                found[name] = value
        return found


@dataclass(frozen=True)
class Patch:
    """A change of the config: dotted keys and their new values, with the reason.

    ``model.edits`` is always given whole: the edits that were there and the new ones. A patch without changes is
    advice: it can be read, not run. ``at_most`` is the highest value that was measured to be worth a trial, where one was.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    at_most: float = math.inf

    def apply(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A deep copy of the nested ``config`` with the changes made; missing sections are created."""
        result: dict[str, Any] = _copy(config)
        for key, value in self.changes.items():
            *sections, last = key.split(".")
            node = result
            for section in sections:
                if not isinstance(node.get(section), dict):
                    node[section] = {}
                node = node[section]
            node[last] = _copy(value)
        return result

    def diff(self, config: Mapping[str, Any]) -> list[str]:
        """One line a change, ``training.optimizer.lr: 0.1 -> 0.01``."""
        settings = Settings(config)
        return [f"{key}: {settings.get(key)!r} -> {value!r}" for key, value in self.changes.items()]


def merge(patches: Iterable[Patch], config: Mapping[str, Any]) -> Patch:
    """One patch that makes the changes of all, the later ones last; edits of the model add up."""
    changes: dict[str, Any] = {}
    whys: list[str] = []
    before = list(Settings(config).get(EDITS) or [])
    for patch in patches:
        new = dict(patch.changes)
        if EDITS in new and EDITS in changes:
            new[EDITS] = changes[EDITS] + [edit for edit in new[EDITS][len(before) :] if edit not in changes[EDITS]]
        changes.update(new)
        whys.append(patch.why)
    return Patch(changes, "; ".join(filter(None, whys)))


class Fix(Unit):
    """Base of all fixes: subclass it in ``fixes/FAMILY/`` and the file is the registration.

    ``cures`` lists the codes of the findings it can mend; ``cost`` the extra training time it asks for, as a factor.
    """

    cures: ClassVar[frozenset[str]] = frozenset()
    cost: ClassVar[float] = 1.0

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        """Patches to try, most promising first. ``finding`` is None where no finding led here."""
        raise NotImplementedError

    @staticmethod
    def edit(config: Settings, **edit: Any) -> dict[str, Any]:
        """The changes that append one edit of the built model, ``{"swap_activation": "relu"}``."""
        return {EDITS: [*(config.get(EDITS) or []), edit]}


def _is_size(value: Any) -> bool:
    return all(isinstance(each, int) and not isinstance(each, bool) for each in (value if isinstance(value, list) else [value]))


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list | tuple) else value
