"""Random changes of training batches: what ``data.augment`` in a config can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossdoctor.core.errors import BadConfig
from lossdoctor.core.text import did_you_mean
from lossdoctor.lab.data import Batch


def noise(x: Tensor, amount: float, random: torch.Generator) -> Tensor:
    """Gaussian noise of ``amount`` standard deviations of each feature over the batch."""
    return x + amount * x.std(dim=0, keepdim=True, correction=0) * torch.randn(x.shape, generator=random).to(x.device)


def flip(x: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Mirror a ``share`` of the images left to right."""
    chosen = (torch.rand(len(x), generator=random) < share).to(x.device)
    return torch.where(chosen.view(-1, *[1] * (x.dim() - 1)), x.flip(-1), x)


def shift(x: Tensor, pixels: int, random: torch.Generator) -> Tensor:
    """Move the images of a batch by up to ``pixels`` in both directions; what leaves on one side is zero on the other."""
    down, right = (int(v) for v in torch.randint(-pixels, pixels + 1, (2,), generator=random))
    moved = torch.roll(x, (down, right), dims=(-2, -1))
    if down:
        moved[..., slice(0, down) if down > 0 else slice(down, None), :] = 0
    if right:
        moved[..., slice(0, right) if right > 0 else slice(right, None)] = 0
    return moved


KNOWN: dict[str, Callable[[Tensor, Any, torch.Generator], Tensor]] = {"noise": noise, "flip": flip, "shift": shift}


def augment(batch: Batch, steps: list[dict[str, Any]], seed: int) -> Batch:
    """A batch of (x, y) with the configured changes made to x."""
    if not steps:
        return batch
    if not isinstance(batch, list | tuple) or not isinstance(batch[0], Tensor) or not batch[0].is_floating_point():
        raise BadConfig("data.augment: needs batches of (x, y) with numeric x")
    random = torch.Generator().manual_seed(seed)
    x = batch[0].clone()
    for step in steps:
        for name, amount in step.items():
            if name not in KNOWN:
                raise BadConfig(f"data.augment: unknown {name!r}" + (did_you_mean(name, KNOWN) or f"; known: {', '.join(KNOWN)}"))
            if name != "noise" and x.dim() < 3:
                raise BadConfig(f"data.augment: {name} needs images, not inputs of shape {list(x.shape)}")
            x = KNOWN[name](x, amount, random)
    return [x, *batch[1:]]
