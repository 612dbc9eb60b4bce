"""What ``lossdoctor.Monitor`` adds to the training of a small MLP: python benchmarks/monitor.py [--steps 20000]

On one core, half a minute. Chance decides for each step whether the monitor is told of it, so that a busy machine slows both kinds alike;
their medians are compared. Taking in what was told, which happens once in a thousand steps, is timed apart and shared out. The looks
are timed apart too: they come as rarely as it takes to need under 1 % of the time, the first of them after a minute or two.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from itertools import pairwise

import torch

from lossdoctor import Monitor

TAKEN_IN = 1000  # rows at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    steps = parser.parse_args().steps
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = torch.randn(4096, 32), torch.randint(0, 10, (4096,))
    sizes = (32, 256, 256, 10)
    layers = [torch.nn.Sequential(torch.nn.Linear(a, b), torch.nn.ReLU()) for a, b in pairwise(sizes)]
    model = torch.nn.Sequential(*layers[:-1], torch.nn.Linear(*sizes[-2:]))
    optimizer = torch.optim.Adam(model.parameters())
    monitor, clock, begun = Monitor(), time.perf_counter, time.perf_counter()
    took: dict[bool, list[float]] = {False: [], True: []}
    taking_in: list[float] = []
    for _ in range(steps):
        monitored, begin = random.random() < 0.5, clock()
        batch = torch.randint(0, len(x), (64,))
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitored:
            monitor.log(loss=loss, lr=optimizer.param_groups[0]["lr"])
            if monitor.should_stop:
                raise SystemExit("stopped")
        took[monitored].append(clock() - begin)
        if monitored and len(took[True]) % TAKEN_IN == 0:
            begin = clock()
            monitor.flush()
            taking_in.append((clock() - begin) / TAKEN_IN)
    without, beside = (1e6 * statistics.median(took[monitored]) for monitored in (False, True))
    later = 1e6 * statistics.median(taking_in)
    added = beside - without + later
    print(f"a step takes {without:.0f} us without the monitor and {beside:.0f} us with it, and {later:.1f} us to take in what it was told:")
    print(f"it adds {added:.1f} us = {100 * added / without:.2f} %")
    print(f"looks: {monitor.looks}, {100 * monitor.spent / (clock() - begun):.2f} % of the time")


if __name__ == "__main__":
    main()
