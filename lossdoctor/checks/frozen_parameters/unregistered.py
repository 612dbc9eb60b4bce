"""FRZ103: tensors that learn, and that the model does not list among its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients
from lossdoctor.core.text import listed


class Unregistered(Check):
    """Weights get a gradient but are no parameters of the model, so the optimizer never changes them.

    Why it matters: they stay as they were drawn, are not saved with the model and do not move to the GPU with it.
    How it is detected: the tensors at which a backward pass ends, against `model.parameters()`.
    What to do: nn.ModuleList or nn.ModuleDict in place of a list or dict of layers; nn.Parameter in place of a bare tensor;
    layers made in `__init__`, not in `forward`, which would draw them anew at every call.
    """

    code, severity = "FRZ103", Severity.ERROR
    references = ("PyTorch documentation, torch.nn.ModuleList",)

    def examine(self, gradients: Gradients) -> Finding | None:
        unknown = gradients.unknown
        if not unknown:
            return None
        return self.finding(
            f"The gradient reaches tensors that the model does not list among its parameters, of shape {listed(unknown)}: "
            "are layers kept in a plain list, or made in forward?",
            confidence=0.95,
            shapes=list(unknown[:20]),
        )

    _all: dict[str, Any] = {"layers": ("0.weight",), "norm": np.ones(1), "rms": np.ones(1), "weight": np.ones(1), "zeros": np.zeros(1)}
    sick = [{"gradients": Gradients(**_all, unknown=("64 x 8", "64"))}]
    healthy = [{"gradients": Gradients(**_all)}]
