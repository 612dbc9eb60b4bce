"""Start-up time of the command line against the import it cannot do without.

    python benchmarks/startup.py [REPEATS]

Each pair runs turn by turn, so that a busy machine slows both; the ratio is the median over the pairs. 1.5 is the most we allow.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

LOG = Path(__file__).parent.parent / "sample_runs" / "slow_lr_too_low" / "log.csv"
# compiled modules are kept, as an installation has them
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PAIRS = {
    "lossdoctor --help": (["-m", "lossdoctor", "--help"], ["-c", "import typer"]),
    "lossdoctor diagnose log.csv": (["-m", "lossdoctor", "diagnose", str(LOG)], ["-c", "import pandas"]),
}


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - start


def main(repeats: int = 15) -> None:
    print(f"{'command':30}{'ms':>7}  {'against':18}{'ms':>7}{'ratio':>8}")
    for name, (ours, theirs) in PAIRS.items():
        seconds(ours), seconds(theirs)  # the first of each fills the caches
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
        ratio = statistics.median(a / b for a, b in pairs)
        a, b = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{name:30}{a:7.0f}  {theirs[-1]:18}{b:7.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
