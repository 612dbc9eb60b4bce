from torch import nn


def build(hidden: int, depth: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Linear(64, hidden), nn.Sigmoid()]
    for _ in range(depth - 1):
        layers += [nn.Linear(hidden, hidden), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(hidden, 10))
