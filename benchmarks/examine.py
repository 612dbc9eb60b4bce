"""What the examination alone says of faults it was not told, and what it costs: no search, no prescription.

    python benchmarks/examine.py [--set test|development|later|third|fourth|fifth|all] [--only TEXT] [--twins] [--jobs 2]

Each case is examined as `lossdoctor probe --examine-only` does it: one training as configured, then data, model and gradients.
A fault is named first where the most confident finding lies in its family. ``--twins`` examines the sound twin of each fault too.
Faults of early stopping show in a whole training alone and are counted apart.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import torch
from cases.sets import EVERY, lay_out
from cases.table import Case

from lossdoctor.core import discover
from lossdoctor.core.check import Severity
from lossdoctor.core.config import load
from lossdoctor.core.diagnosis import Examination
from lossdoctor.core.errors import UserCodeError
from lossdoctor.core.signals import Signals
from lossdoctor.examine import examine
from lossdoctor.lab.bench import as_run
from lossdoctor.lab.fit import fit
from lossdoctor.lab.workload import Workload

TRAINING = "the training"
LOOKS = 8  # evaluations of a training shorter than that many epochs


def measure(case: Case, twin: bool) -> dict[str, Any]:
    """Examine a case, or its sound twin: the findings, and the seconds that each signal took."""
    with tempfile.TemporaryDirectory() as scratch:
        file = load(lay_out(case, Path(scratch), twin=twin))
        spent: dict[str, float] = defaultdict(float)
        workload = timed(Workload.load, "the data", spent)(file)
        signals = Signals(discover.signals(), workload=workload)
        try:
            every = min(workload.steps_per_epoch, max(1, workload.steps // LOOKS))
            done = timed(fit, TRAINING, spent)(workload, workload.config.training.seed, workload.steps, every)
            signals.given["run"] = as_run(done.rows, file)
        except UserCodeError:
            pass  # a fault that keeps the training from running at all, which the examination is to name
        signals.catalogue.functions.update({name: timed(f, name, spent) for name, f in signals.catalogue.functions.items()})
        try:
            outcome = examine(discover.checks(), signals)
        except UserCodeError as error:  # refused: the report is one sentence about the user's code, and names no family
            outcome = Examination(crashed={"refused": str(error)})
    return {
        "name": case.name + " (twin)" * twin,
        "set": case.set,
        "true": () if twin else case.families,
        "twin": twin,
        "findings": [(f.code, f.family, f.confidence, f.severity is not Severity.INFO) for f in outcome.findings],
        "crashed": dict(outcome.crashed),
        "spent": dict(spent),
    }


def timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The function, whose seconds are added up under a name."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        begin = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[name] += time.process_time() - begin

    return run


def place(result: dict[str, Any]) -> int | None:
    """Where in the list of findings the true family comes first, from 1."""
    return next((at for at, finding in enumerate(result["findings"], 1) if finding[1] in result["true"]), None)


def line(result: dict[str, Any]) -> str:
    said = " ".join(f"{code}:{confidence:.2f}{'' if loud else 'i'}" for code, _, confidence, loud in result["findings"][:4])
    at = place(result)
    verdict = "ALARM" if not result["true"] and any(f[3] for f in result["findings"]) else ""
    verdict = ({None: "MISSED", 1: "first"}.get(at, f"at {at}")) if result["true"] else verdict
    crash = f"  CRASHED {result['crashed']}" if result["crashed"] else ""
    return f"{result['name']:34}{(result['true'] or ('sound',))[0]:20}{verdict:8}{sum(result['spent'].values()):6.1f} s  {said}{crash}"


def by_examination(result: dict[str, Any]) -> dict[str, Any]:
    """The result as it would be without what the log of the training says, whose codes end in a number under 100."""
    return result | {"findings": [f for f in result["findings"] if f[0][-3] != "0"]}


def summary(results: list[dict[str, Any]], which: str) -> None:
    ill = [r for r in results if r["true"] and r["true"][0] != "early_stopping"]
    late = [r for r in results if r["true"] and r["true"][0] == "early_stopping"]
    sound = [r for r in results if not r["true"] and not r["twin"]]
    twins = [r for r in results if r["twin"]]
    print(f"\n{which}: {len(ill)} faults that an examination can tell, {len(late)} of early stopping, {len(sound)} sound")
    alone = [by_examination(r) for r in ill]
    for name, group in (("", ill), (" (without the log of the training)", alone), (" (early stopping)", late)):
        if group:
            first, three = sum(place(r) == 1 for r in group), sum((place(r) or 9) <= 3 for r in group)
            print(f"  true family first{name}  {first}/{len(group)} = {first / len(group):.0%}")
            print(f"  among the first three{name}  {three}/{len(group)} = {three / len(group):.0%}")
    for name, group in (("sound cases", sound), ("sound twins", twins)):
        if group:
            errors, own = (sum(any(f[3] for f in r["findings"]) for r in g) for g in (group, [by_examination(r) for r in group]))
            print(f"  {name} with an error or a warning  {errors}/{len(group)}, {own} of them without the log of the training")
    totals = [sum(s for name, s in r["spent"].items() if name != TRAINING) for r in results]
    print(f"  median CPU seconds a case  {statistics.median(totals):.1f}, the training itself beside it")


def shares(results: list[dict[str, Any]]) -> None:
    """What each signal takes of the time of the examination."""
    spent: Counter[str] = Counter()
    for result in results:
        spent.update({name: seconds for name, seconds in result["spent"].items() if name != TRAINING})
    whole = sum(spent.values())
    print("\nshare of the time: " + ", ".join(f"{name} {seconds / whole:.1%}" for name, seconds in spent.most_common(12)))


def reliability(results: list[dict[str, Any]]) -> None:
    """For each check, how often its findings name the true family, against the confidence that it states."""
    seen: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for result in results:
        for code, family, confidence, _ in result["findings"]:
            seen[code].append((family in result["true"], confidence))
    print("\ncheck     findings  right  said")
    for code, entries in sorted(seen.items()):
        right, said = statistics.mean(e[0] for e in entries), statistics.mean(e[1] for e in entries)
        print(f"{code:10}{len(entries):8}{right:7.0%}{said:6.0%}")
    pairs = [entry for entries in seen.values() for entry in entries]
    if pairs:
        print(f"Brier score {statistics.mean((said - right) ** 2 for right, said in pairs):.3f} over {len(pairs)} findings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="all")
    parser.add_argument("--only", default="")
    parser.add_argument("--twins", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    cases = [c for c in EVERY if options.only in c.name and options.set in ("all", c.set)]
    asked = [(c, False) for c in cases] + [(c, True) for c in cases if options.twins and c.sound]
    results = []
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for result in pool.map(measure, *zip(*asked, strict=True)):
            results.append(result)
            print(line(result), flush=True)
    for which in dict.fromkeys(case.set for case in EVERY):
        if part := [r for r in results if r["set"] == which]:
            summary(part, which)
            shares(part)
            reliability(part)


if __name__ == "__main__":
    main()
