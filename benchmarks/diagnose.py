"""The diagnosis of training logs on labelled real runs: make benchmark-diagnose

    python benchmarks/diagnose.py [--part test|development] [--peers PYTHON] [--jobs 2] [--errors]

The runs, how they were made and how they are labelled: benchmarks/runs. Every tool gets the same CSV files. ``--peers`` is the
interpreter of an environment with runmedic and trainproof in it; ``--errors`` lists the runs that got a wrong status.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import multiprocessing
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import rules
from benchmarks.runs.label import label, reach
from benchmarks.runs.store import load
from benchmarks.runs.tasks import TASKS
from benchmarks.shares import of
from lossdoctor.diagnose import diagnose

FOLDER = Path(__file__).parents[1] / "build" / "benchmark"
EIGHTHS = tuple(i / 8 for i in range(1, 9))
CUTS = (0.25, 0.5, 0.75)
HEALTHY = ("improving", "converged")
HOPELESS = ("never_learned", "stalled", "oscillating", "diverging", "non_finite", "overfitting")
TOLD: dict[str, tuple[str, ...]] = {
    "lr_high": (),
    "lr_never_stops_rising": (),
    "lr_low": ("slow",),
    "lr_decayed_early": ("lr",),
    "few_examples": (),
    "wrong_labels": (),
    "frozen": (),
    "nan": (),
    "exploding": (),
    "batch_of_one": (),
    "unshuffled": (),
    "dropout": ("val_loss",),
    "imbalance": ("val_balanced_accuracy",),
    "softmax_twice": ("train_accuracy",),
}
"""Faults that leave a trace of their own in a log, with the column (or the true status) that it takes. The rest look like one of
these: scale of inputs and targets, initial weights, dead and saturated units, weight decay, capacity, frozen layers, random labels."""


@dataclass(frozen=True)
class Case:
    """A run with its label, and the log of it as columns."""

    number: int
    recipe: dict[str, Any]
    truth: dict[str, Any]
    log: dict[str, list[float | None]]
    after: dict[str, list[float | None]]

    @property
    def status(self) -> str:
        return str(self.truth["status"])

    @property
    def sick(self) -> bool:
        return self.status not in (*HEALTHY, "too_short")

    def file(self, share: float = 1.0) -> Path:
        """The log, or its first part, written as a CSV file."""
        path = FOLDER / f"{self.number:04}-{round(100 * share):03}.csv"
        rows = max(1, round(share * len(self.log["step"])))
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(self.log)
            out.writerows([["" if v is None else v for v in row] for row in zip(*(c[:rows] for c in self.log.values()), strict=True)])
        return path


class Named(NamedTuple):
    """A finding; ``also`` are the families that it names beside its own."""

    code: str
    family: str
    confidence: float
    severity: str
    also: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What is said of a log: of its whole, or of the first part."""

    status: str
    confidence: float
    findings: list[Named]
    stop_step: float | None
    metric: str
    at_step: float
    forecast: tuple[float, float, float] | None

    @property
    def sick(self) -> bool:
        return self.status not in (*HEALTHY, "too_short")


Said = dict[tuple[int, float], Verdict]  # by number of the run and share of its log


def cases(part: str) -> list[Case]:
    runs = load()
    reached = reach(runs)
    ours = [run for run in runs if TASKS[run["recipe"]["task"]].part == part]
    return [Case(run["recipe"]["number"], run["recipe"], label(run, reached), run["log"], run["after"]) for run in ours]


def verdict(path: Path) -> Verdict:
    (found,) = diagnose(path)
    ahead = found.forecast
    return Verdict(
        found.status.value,
        found.verdict.confidence,
        [Named(f.code, f.family, f.confidence, f.severity.value, tuple(f.evidence.get("also", ()))) for f in found.findings],
        found.verdict.stop_step,
        ahead.metric if ahead else "",
        ahead.at_step if ahead else 0.0,
        (ahead.value, ahead.low, ahead.high) if ahead else None,
    )


def detection(all_cases: list[Case], flagged: dict[str, Callable[[Case, float], bool]]) -> None:
    print("\nDetection (sick runs flagged) and false alarms (healthy runs flagged); too_short counts as not flagged")
    for share in (*CUTS, 1.0):
        print(f"  at {share:4.0%} of the run")
        for name, flag in flagged.items():
            sick, well = (of(flag(c, share) for c in all_cases if c.sick is ill and c.status != "too_short") for ill in (True, False))
            print(f"    {name:34} detected {sick:18} false alarms {well}")


def confusion(all_cases: list[Case], verdicts: dict[int, Verdict]) -> None:
    pairs = Counter((c.status, verdicts[c.number].status) for c in all_cases)
    names = sorted({name for pair in pairs for name in pair})
    print(f"\nStatus exact {of(c.status == verdicts[c.number].status for c in all_cases)}; true in rows, given in columns")
    print(" " * 16 + "".join(f"{name[:9]:>10}" for name in names))
    for true in names:
        if any(pairs[true, given] for given in names):
            print(f"  {true:14}" + "".join(f"{pairs[true, given] or '.':>10}" for given in names))


def causes(all_cases: list[Case], verdicts: dict[int, Verdict]) -> None:
    """A cause is right where its family is among those of the injected fault."""
    faulty = [c for c in all_cases if c.sick and true_families(c)]
    told = [c for c in faulty if told_by_log(c)]
    first = {c.number: families(verdicts[c.number]) for c in faulty}

    def right(some: list[Case], most: int) -> str:
        return of(bool(set(first[c.number][:most]) & set(true_families(c))) for c in some)

    print("\nCause, where the fault takes effect")
    print(f"  that a log can tell: top-1 {right(told, 1)}, top-3 {right(told, 3)}")
    print(f"  all:                 top-1 {right(faulty, 1)}, top-3 {right(faulty, 3)}")
    print(f"  not told by a log: {', '.join(sorted({c.recipe['fault'] for c in faulty if c not in told}))}")
    for fault in sorted({c.recipe["fault"] for c in faulty}):
        some = [c for c in faulty if c.recipe["fault"] == fault]
        named = ", ".join(f"{name} {n}" for name, n in Counter((first[c.number] or ["nothing"])[0] for c in some).most_common(4))
        print(f"  {fault:23} top-1 {right(some, 1):15} top-3 {right(some, 3):15} first: {named}")


def told_by_log(case: Case) -> bool:
    """Whether the log can tell the fault: by a trace of its own, or because it ended in NaN or in overfitting."""
    if case.status in ("non_finite", "overfitting"):
        return True
    needed = TOLD.get(case.recipe["fault"])
    return needed is not None and all(name in case.log or name == case.status for name in needed)


def true_families(case: Case) -> tuple[str, ...]:
    """The families a right diagnosis may name; what overfits or ends in NaN does so as well, whatever the fault behind it."""
    ways = {"overfitting": ("early_stopping", "regularization"), "non_finite": ("numerics",)}
    return (*case.recipe["families"], *ways.get(case.status, ()))


def families(found: Verdict) -> list[str]:
    """The families named as causes, first first, and what each names beside its own; remarks on the log itself are none."""
    named = [(f.family, *f.also) for f in found.findings if f.severity != "info" and f.family != "logging"]
    return list(dict.fromkeys(itertools.chain.from_iterable(named)))


def reliability(all_cases: list[Case], verdicts: dict[int, Verdict]) -> None:
    print("\nReliability: of what is said at a confidence, how much is right")
    status = [(verdicts[c.number].confidence, verdicts[c.number].status == c.status) for c in all_cases]
    named = [
        (confidence, family in true_families(c))
        for c in all_cases
        for _, family, confidence, severity, _ in verdicts[c.number].findings
        if severity != "info" and family != "logging"
    ]
    for title, said in (("status", status), ("findings, warning or error", named)):
        print(f"  {title}: mean confidence {np.mean([s for s, _ in said]):.3f}, right {of(r for _, r in said)}")
        for low, high in ((0, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.96), (0.96, 1.01)):
            here = [(s, r) for s, r in said if low <= s < high]
            if here:
                print(f"    {low:.2f}-{min(high, 1):.2f}  said {np.mean([s for s, _ in here]):.2f}  right {of(r for _, r in here)}")


def delay(all_cases: list[Case], said: Said) -> None:
    print("\nDetection delay: the share of the run from which on it is called sick, in eighths")
    for status in HOPELESS:
        ill = [c for c in all_cases if c.status == status]
        since = [first for c in ill if (first := _flagged_since(c, said)) is not None]
        if ill:
            print(f"  {status:14} flagged {len(since)}/{len(ill)}, median {np.median(since) if since else np.nan:.0%}")


def _flagged_since(case: Case, said: Said) -> float | None:
    well = [share for share in EIGHTHS if not said[case.number, share].sick]
    return next((share for share in EIGHTHS if share > max(well, default=0.0)), None)


def forecasts(all_cases: list[Case], said: Said) -> None:
    """Errors as shares of the range so far, at most 1; the truth is the median of the three logged points about the step."""
    rows = []
    for c in all_cases:
        for share in (0.5, 0.75, 1.0):
            found = said[c.number, share]
            if found.forecast is None or found.metric not in c.log:
                continue
            step, value = series(c, found.metric)
            seen = step <= c.log["step"][round(share * len(c.log["step"])) - 1]
            true, unit = about(step, value, found.at_step), np.ptp(value[seen])
            if true is None or not np.isfinite(true) or not np.isfinite(unit) or unit == 0:
                continue
            middle, low, high = found.forecast
            guesses = (middle, value[seen][-1], np.median(value[seen][-3:]), power_law(step[seen], value[seen], found.at_step))
            rows.append([*(min(abs(guess - true) / unit, 1.0) for guess in guesses), low <= true <= high, (high - low) / unit, share])
    table = np.array(rows, dtype=float)
    print(
        f"\nForecast a quarter of the run ahead: {len(table)}, made at 50, 75 and 100 % of the runs; errors as shares of the range so far"
    )
    for i, name in enumerate(("lossdoctor", "last value", "median of the last three", "plain power law")):
        print(f"  {name:26} mean {table[:, i].mean():.4f}  median {np.median(table[:, i]):.4f}  90 % {np.quantile(table[:, i], 0.9):.4f}")
    print(f"  90 % intervals hold {of(table[:, 4] > 0)}; median width {np.median(table[:, 5]):.3f} of the range")
    print("  made at " + ", ".join(f"{share:.0%}: {of(table[table[:, 6] == share, 4] > 0)}" for share in (0.5, 0.75, 1.0)))


def series(case: Case, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """A logged series with what came after the log: steps and values."""
    pairs = [
        pair for part in (case.log, case.after) for pair in zip(part["step"], part.get(metric, []), strict=False) if pair[1] is not None
    ]
    step, value = np.array(pairs, dtype=float).T
    return step, value


def about(step: np.ndarray, value: np.ndarray, at: float) -> float | None:
    """The median of the three points about a step; None beyond the data."""
    i = int(np.searchsorted(step, at - 1e-9))
    return float(np.median(value[max(0, i - 1) : i + 2])) if i < len(step) else None


def power_law(step: np.ndarray, value: np.ndarray, at: float) -> float:
    """a + b t^-d by least squares over a grid of d."""
    best = (np.inf, float(value[-1]))
    for d in np.geomspace(0.02, 3, 40):
        design = np.stack([np.ones(len(step)), step**-d], axis=1)
        fit, *_ = np.linalg.lstsq(design, value, rcond=None)
        error = float(((design @ fit - value) ** 2).sum())
        best = min(best, (error, float(fit[0] + fit[1] * at**-d)))
    return best[1]


def stopping(all_cases: list[Case], said: Said) -> None:
    """Compute saved on runs that are hopeless, and best metric lost on healthy ones, by each rule."""
    print("\nStopping: compute saved on hopeless runs; best judged value lost on healthy runs, as a share of their fall")
    stops_by: dict[str, Callable[[Case, float], bool]] = {
        "lossdoctor: sick": lambda c, share: said[c.number, share].status in HOPELESS,
        "lossdoctor: sick, confidence 0.8": lambda c, share: (
            said[c.number, share].status in HOPELESS and said[c.number, share].confidence >= 0.8
        ),
        "patience: best in first 3/4": lambda c, share: rules.patience(judged(c, share), 0.25),
        "patience: best in first half": lambda c, share: rules.patience(judged(c, share), 0.5),
        "Prechelt GL > 5 %": lambda c, share: rules.generalization_loss(judged(c, share), 5),
        "Prechelt PQ > 0.75": lambda c, share: rules.productivity_quotient(judged(c, share), learned(c, share), 0.75),
        "Prechelt UP 3": lambda c, share: rules.successive_rises(judged(c, share), 3),
    }
    ill = [c for c in all_cases if c.status in HOPELESS]
    well = [c for c in all_cases if c.status in HEALTHY]
    for name, stops in stops_by.items():
        at = {c.number: next((share for share in CUTS if stops(c, share)), 1.0) for c in (*ill, *well)}
        saved = np.mean([1 - at[c.number] for c in ill])
        lost = np.mean([lost_by(c, at[c.number]) for c in well])
        print(f"  {name:34} saved {saved:.1%} (75 % at most)  lost {lost:.2%}  healthy runs stopped {of(at[c.number] < 1 for c in well)}")


def judged(case: Case, share: float) -> np.ndarray:
    """The logged validation loss, reward (turned) or training loss up to a share of the log."""
    name = next(n for n in ("reward", "val_loss", "train_loss") if n in case.log)
    rows = max(1, round(share * len(case.log["step"])))
    value = np.array([v for v in case.log[name][:rows] if v is not None], dtype=float)
    return -value if name == "reward" else value


def learned(case: Case, share: float) -> np.ndarray:
    """The training loss in the rows of ``judged``."""
    name = next(n for n in ("reward", "val_loss", "train_loss") if n in case.log)
    rows = max(1, round(share * len(case.log["step"])))
    return np.array([t for t, v in zip(case.log["train_loss"][:rows], case.log[name], strict=False) if v is not None], dtype=float)


def lost_by(case: Case, share: float) -> float:
    """How much better the best value of the whole run is than the best before the stop, medians of three."""
    if share == 1.0:
        return 0.0
    best = [smooth3(judged(case, s)) for s in (share, 1.0)]
    fall = best[1][0] - best[1].min()
    return float(max(best[0].min() - best[1].min(), 0) / fall) if len(best[0]) and fall > 0 else 0.0


def smooth3(value: np.ndarray) -> np.ndarray:
    padded = np.pad(value, 1, mode="edge")
    return np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)


PEERS = """
import contextlib, io, json, sys
import runmedic.cli, trainproof.cli

def call(main, arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            main(arguments)
        except SystemExit:
            pass
        except Exception:
            return None
    try:
        return json.loads(out.getvalue())
    except ValueError:
        return None

for line in sys.stdin:
    path = line.strip()
    sys.argv = ["trainproof", "doctor", path, "--json"]
    first = call(runmedic.cli.main, ["diagnose", path, "--json"])
    second = call(lambda a: trainproof.cli.main(), None)
    found = [f["severity"] for run in first or [] for f in run.get("findings", [])]
    print(json.dumps([path, found, (second or {}).get("worst_verdict")]), flush=True)
"""


def peers(python: str, files: list[Path]) -> dict[str, tuple[list[str], str | None]]:
    """What the peers say of each file: the severities of runmedic's findings and trainproof's verdict."""
    done = subprocess.run([python, "-c", PEERS], input="\n".join(map(str, files)), capture_output=True, text=True)
    if done.returncode:
        print(f"the peers could not be run: {done.stderr.strip().splitlines()[-1]}")
        return {}
    return {path: (found, said) for path, found, said in map(json.loads, done.stdout.splitlines())}


def naive(case: Case, share: float) -> bool:
    """Patience on the best: no new best in the last quarter, or a last value no better than the first."""
    value = judged(case, share)
    return bool(np.isnan(value).any()) or (len(value) > 3 and (rules.patience(value, 0.25) or value[-1] >= value[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="test")
    parser.add_argument("--peers", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--errors", action="store_true")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    every = cases(options.part)
    wanted = [(c.number, share) for c in every for share in EIGHTHS]
    by_number = {c.number: c for c in every}
    files = {(number, share): by_number[number].file(share) for number, share in wanted}
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        said = dict(zip(wanted, pool.map(verdict, files.values(), chunksize=40), strict=True))
    whole = {c.number: said[c.number, 1.0] for c in every}
    sound = sum(not c.recipe["families"] for c in every)
    print(f"{len(every)} runs of the {options.part} part: {len(every) - sound} with a fault, {sound} without")
    print(f"  by true status: {dict(Counter(c.status for c in every).most_common())}")
    flags: dict[str, Callable[[Case, float], bool]] = {"lossdoctor": lambda c, share: said[c.number, share].sick}
    if options.peers:
        others = peers(options.peers, [path for (_, share), path in files.items() if share in (*CUTS, 1.0)])
        if others:
            flags |= {
                "runmedic 0.1.1": lambda c, share: bool(set(others[str(files[c.number, share])][0]) & {"warning", "critical"}),
                "trainproof 0.22, WARN or FAIL": lambda c, share: others[str(files[c.number, share])][1] in ("WARN", "FAIL"),
                "trainproof 0.22, FAIL": lambda c, share: others[str(files[c.number, share])][1] == "FAIL",
            }
    flags["no new best in the last quarter"] = naive
    detection(every, flags)
    confusion(every, whole)
    causes(every, whole)
    reliability(every, whole)
    delay(every, said)
    forecasts(every, said)
    stopping(every, said)
    if options.errors:
        for c in sorted(every, key=lambda c: (c.status, whole[c.number].status)):
            found = whole[c.number]
            if found.status != c.status:
                gains = " ".join(f"{k} {v:.3g}" for k, v in c.truth.items() if isinstance(v, float))
                start = f"{c.number:4} {c.status:14}-> {found.status:14}{found.confidence:.2f}"
                print(f"{start}  {c.recipe['fault']:20}{c.recipe['task']:18}{gains}")


if __name__ == "__main__":
    main()
