"""Size of the HTML report and the time that it takes, by the length of the log.

    python benchmarks/page.py [POINTS ...]

The log has six series of that many points each, with noise, a spike of one point and a stretch of NaN. 300 kB is the most we
allow for a million points.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.report import Page
from lossdoctor.core.run import Run
from lossdoctor.diagnose import diagnose
from lossdoctor.reports.html.report import Html

SERIES = (("loss", "train"), ("loss", "val"), ("accuracy", "train"), ("accuracy", "val"), ("lr", ""), ("grad_norm", ""))


def run(points: int) -> Run:
    rng = np.random.default_rng(0)
    step = np.arange(points, dtype=float)
    curves = {}
    for metric, split in SERIES:
        value = 0.3 + 2 * np.exp(-4 * step / points) + rng.normal(0, 0.05, points)
        value[points // 3], value[points // 2 : points // 2 + 20] = 9.0, np.nan
        curve = Curve(metric, split, step, value)
        curves[curve.label] = curve
    return Run(curves, f"{points}.csv", "csv")


def main(*lengths: int) -> None:
    print(f"{'points a series':>16}{'kB':>8}{'ms to diagnose':>17}{'ms to write the page':>23}")
    Html().diagnoses(diagnose(run(1_000)), Page())  # imports, templates
    for points in lengths or (1_000, 100_000, 1_000_000):
        start = time.perf_counter()
        found = diagnose(run(points))
        middle = time.perf_counter()
        html = Html().diagnoses(found, Page())
        end = time.perf_counter()
        print(f"{points:16,}{len(html.encode()) / 1000:8.0f}{1000 * (middle - start):17.0f}{1000 * (end - middle):23.0f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
