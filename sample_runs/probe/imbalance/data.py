"""Two classes that overlap, thirty to one, as a torch Dataset."""

import numpy as np
import torch
from torch.utils.data import Dataset


class RareClass(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """``size`` points in ten dimensions; one in thirty-one belongs to the class that is shifted by 0.65 along each."""

    def __init__(self, size: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        label = (np.arange(size) % 31 == 0).astype(np.int64)
        point = random.normal(size=(size, 10)) + 0.65 * label[:, None]
        self.x, self.y = torch.from_numpy(point.astype(np.float32)), torch.from_numpy(label)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[index], self.y[index]


def train() -> RareClass:
    return RareClass(3100, seed=0)


def val() -> RareClass:
    return RareClass(3100, seed=1)
