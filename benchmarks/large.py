"""What examining a million rows and models of 100 MB takes: processor time, the clock's, and memory of the largest process.

    python benchmarks/large.py [mlp|conv|transformer ...]

Each is examined in a process of its own, as `lossdoctor probe CONFIG --examine-only` does it, but for the part of a training that it
looks at first, ten seconds at most.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import defaultdict
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # last: a benchmark may be called as a module that libraries import
from examine import timed

from lossdoctor.core import discover
from lossdoctor.core.config import load
from lossdoctor.core.signals import Signals
from lossdoctor.examine import examine as run_checks
from lossdoctor.lab.workload import Workload

ALLOWED = 30.0  # seconds on two cores
CORES = 2
CODE = '''
import torch
from torch import nn

def of(x, seed=1):
    """Inputs, and the class that a random map of them tells."""
    chance = torch.Generator().manual_seed(seed)
    flat = x.reshape(len(x), -1)[:, :64].float()
    return x, (flat @ torch.randn(flat.shape[1], 4, generator=chance)).argmax(dim=1)

def train(kind, rows, seed=2):
    chance = torch.Generator().manual_seed(seed)
    made = {
        "table": lambda: torch.randn(rows, 20, generator=chance),
        "pictures": lambda: torch.randn(rows, 3, 64, 64, generator=chance),
        "sentences": lambda: torch.randint(1, 1000, (rows, 64), generator=chance),
    }
    return of(made[kind]())

def val(kind, rows):
    return train(kind, rows // 20, seed=3)

def mlp():
    widths = (20, *(2500,) * 5)
    layers = [layer for a, b in zip(widths, widths[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(2500, 4))

def conv():
    widths = (3, 64, 128, 256, 512, 1024, 1024, 1024)
    layers = [
        layer
        for place, (a, b) in enumerate(zip(widths, widths[1:]))
        for layer in (nn.Conv2d(a, b, 3, stride=2 if place < 4 else 1, padding=1), nn.BatchNorm2d(b), nn.ReLU())
    ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 4))

class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(1000, 512), nn.Parameter(0.02 * torch.randn(64, 512))
        layer = nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True, norm_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 8, enable_nested_tensor=False), nn.Linear(512, 4)

    def forward(self, tokens):
        return self.head(self.encoder(self.words(tokens) + self.places).mean(dim=1))
'''
CASES = {
    "mlp": ("a million rows, MLP", "mlp", "table", 1_000_000, 256, 1),
    "conv": ("5,000 pictures, conv net", "conv", "pictures", 5_000, 32, 5),
    "transformer": ("20,000 sentences, transformer", "Transformer", "sentences", 20_000, 32, 5),
}


def examine(name: str) -> None:
    """Examine a case in this process, and print what it took and what took the most."""
    _, model, data, rows, batch, epochs = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "large.py").write_text(CODE)
        (Path(folder) / "config.yaml").write_text(
            textwrap.dedent(f"""
                model: {{factory: "large.py:{model}"}}
                data: {{train: "large.py:train", val: "large.py:val", args: {{kind: {data}, rows: {rows}}}}}
                training: {{batch_size: {batch}, epochs: {epochs}, optimizer: {{name: adam, lr: 0.0003}}}}
                probe: {{device: cpu}}
            """)
        )
        spent: dict[str, float] = defaultdict(float)
        begin, clock = time.process_time(), time.monotonic()
        workload = Workload.load(load(Path(folder) / "config.yaml"))
        signals = Signals(discover.signals(), workload=workload)
        signals.catalogue.functions.update({key: timed(f, key, spent) for key, f in signals.catalogue.functions.items()})
        outcome = run_checks(discover.checks(), signals)
        cpu, clock = time.process_time() - begin, time.monotonic() - clock
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    most = ", ".join(f"{key} {spent[key]:.1f}" for key in sorted(spent, key=lambda key: -spent[key])[:5])
    found = " ".join(finding.code for finding in outcome.findings) or "nothing"
    print(f"{CASES[name][0]:34}{cpu:8.1f}{cpu / (ALLOWED * CORES):16.0%}{clock:9.1f}{memory:9.0f}  {most}; found {found}", flush=True)


def main(*chosen: str) -> None:
    print(
        f"{'examined, with a model of 100 MB':34}{'CPU s':>8}{'of the allowed':>16}{'clock s':>9}{'peak MB':>9}  CPU s of the slowest",
        flush=True,
    )
    for name in chosen or CASES:
        subprocess.run([sys.executable, __file__, "--one", name], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        examine(sys.argv[2])
    else:
        main(*sys.argv[1:])
