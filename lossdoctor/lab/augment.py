"""Random changes of training batches: what ``data.augment`` in a config can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
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


def crop(x: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Take from each image a window of ``share`` to all of its height and width, and bring it back to the full size."""
    scale = share + (1 - share) * torch.rand(len(x), generator=random)
    middle = (2 * torch.rand(len(x), 2, generator=random) - 1) * (1 - scale)[:, None]
    window = torch.cat([torch.diag_embed(scale[:, None].expand(-1, 2)), middle[:, :, None]], dim=2).to(x)
    return F.grid_sample(x, F.affine_grid(window, list(x.shape), align_corners=False), padding_mode="border", align_corners=False)


def mixup(x: Tensor, y: Tensor, alpha: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Means of pairs of examples and of their targets, with a share from Beta(alpha, alpha) (Zhang et al. 2018); the larger one first."""
    seed = int(torch.randint(2**31, (1,), generator=random))
    share = np.random.default_rng(seed).beta(alpha, alpha)
    other = torch.randperm(len(x), generator=random).to(x.device)
    return torch.lerp(x[other], x, max(share, 1 - share)), torch.lerp(y[other], y, max(share, 1 - share))


KNOWN: dict[str, Callable[[Tensor, Any, torch.Generator], Tensor]] = {"noise": noise, "flip": flip, "shift": shift, "crop": crop}
AXES = {"flip": 3, "shift": 3, "crop": 4}  # of a batch at least


def augment(batch: Batch, steps: list[dict[str, Any]], seed: int, mixable: Callable[[Tensor], Tensor]) -> Batch:
    """A batch of (x, y) with the configured changes made to x; ``mixup`` changes y as well, which ``mixable`` makes numbers."""
    if not steps:
        return batch
    if not isinstance(batch, list | tuple) or not isinstance(batch[0], Tensor) or not batch[0].is_floating_point():
        raise BadConfig("data.augment: needs batches of (x, y) with numeric x")
    random = torch.Generator().manual_seed(seed)
    x, *rest = batch
    x = x.clone()
    for step in steps:
        for name, amount in step.items():
            known = (*KNOWN, "mixup")
            if name not in known:
                raise BadConfig(f"data.augment: unknown {name!r}" + (did_you_mean(name, known) or f"; known: {', '.join(known)}"))
            if x.dim() < AXES.get(name, 0):
                raise BadConfig(f"data.augment: {name} needs images, not inputs of shape {list(x.shape)}")
            if name == "mixup":
                x, rest[0] = mixup(x, mixable(rest[0]), float(amount), random)
            else:
                x = KNOWN[name](x, amount, random)
    return [x, *rest]
