"""The probe on faults it was not told: what it names first, how much of the gap it closes, and what it costs.

    python benchmarks/probe.py [--set test|development|all|later|third|fourth|fifth] [--only TEXT] [--twins]
                               [--budget 10m] [--jobs 2] [--peers]

The cost is that of the trials in full trainings of the faulty config; ``all`` adds the steps of the examination's own small
trainings. With ``--peers``, searches without a diagnosis get as many training steps as both together; see searchers.py.
A case is repaired where training the fixed config with seeds that the probe has not seen closes at least 80 % of the gap
between the faulty config and its sound twin. A sound case is right where nothing is prescribed. The later sets were made for
the examination, with faults in code that no change of the config can mend: they are run where they are asked for, ``--twins`` with the
sound twin of each fault as a sound case.
"""

from __future__ import annotations

import argparse
import functools
import math
import multiprocessing
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))  # last: a benchmark may be called as a module that libraries import
import torch
from cases.sets import EVERY, lay_out
from cases.table import CASES, Case, dump
from searchers import searches

from lossdoctor.core.config import load
from lossdoctor.lab.workload import Workload
from lossdoctor.probe import probe
from lossdoctor.train import train

SEEDS = (101, 102, 103)
REPAIRED = 0.8


def level(config: Path, metric: str) -> float:
    """The metric after the last epoch, lower is better, mean over the seeds; infinite where a training blew up."""
    mean = statistics.mean(train(config, seed=seed)[-1][metric] for seed in SEEDS)
    mean = mean if math.isfinite(mean) else math.inf
    return -mean if metric == "val_balanced_accuracy" else mean


def measure(case: Case, twin: bool, budget: str, peers: bool) -> dict[str, Any]:
    """Probe a case, or its sound twin, and train what came of a fault beside the faulty and the sound config.

    A faulty training that blew up counts as a constant guess.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = lay_out(case, folder, twin=twin)
        proof = probe(config, budget=budget)
        findings, prescription = proof.examination.findings, proof.prescription
        result = {
            "name": case.name + " (twin)" * twin,
            "set": case.set,
            "true": () if twin else case.families,
            "found": [finding.code for finding in findings][:3],
            "found_families": [finding.family for finding in findings],
            "fixes": [part.fix.code for part in prescription.chosen] if prescription else [],
            "first": prescription.chosen[0].fix.family if prescription else None,
            "cost": proof.cost.full_trainings,
            "all": proof.cost.full_trainings + proof.cost.examine_steps / Workload.load(load(config)).steps,
            "seconds": proof.cost.seconds,
        }
        if case.families and not twin:
            dump(case.sound_config(), folder / "sound.yaml")
            before, sound = level(config, case.metric), level(folder / "sound.yaml", case.metric)
            before = before if math.isfinite(before) else Workload.load(load(config)).chance() or before
            after = level(folder / "config.fixed.yaml", case.metric) if prescription else before
            result |= {"before": before, "after": after, "sound": sound, "closed": closed(before, after, sound)}
            for name, search in searches().items() if peers else ():
                load(config).write(search(config, result["all"]), folder / "peer.yaml")
                result[name] = closed(before, level(folder / "peer.yaml", case.metric), sound)
        return result


def closed(before: float, after: float, sound: float) -> float:
    """The share of the gap between the faulty and the sound training that is closed."""
    return (before - after) / (before - sound) if before != sound else 0.0


def line(result: dict[str, Any]) -> str:
    fixes, found = ",".join(result["fixes"]) or "-", ",".join(result["found"])
    start = f"{result['name']:34}{(result['true'] or ('sound',))[0]:20}{fixes:26}"
    cost = f"{result['cost']:7.1f}{result['all']:6.1f}{result['seconds']:7.1f} "
    if not result["true"]:
        return f"{start}{'':38}{cost}{'FALSE ALARM' if result['fixes'] else '':19}{found}"
    numbers = f"{result['before']:10.3g}{result['after']:10.3g}{result['sound']:10.3g}{result['closed']:8.0%}"
    wrong = "" if result["first"] in result["true"] else "WRONG"
    missed = "" if result["closed"] >= REPAIRED else "NOT REPAIRED"
    return f"{start}{numbers}{cost}{wrong:6}{missed:13}{found}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="all")
    parser.add_argument("--only", default="")
    parser.add_argument("--twins", action="store_true")
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    every = CASES if options.set in ("all", "test", "development") else EVERY  # the others of these sets are there to be examined
    cases = [c for c in every if options.only in c.name and options.set in ("all", c.set)]
    jobs = [(c, False) for c in cases] + [(c, True) for c in cases if c.families and options.twins]
    measured = functools.partial(measure, budget=options.budget, peers=options.peers)
    print(f"{'case':34}{'fault':20}{'prescribed':26}{'as it is':>10}{'fixed':>10}{'sound':>10}{'closed':>8}{'cost':>7}{'all':>6}{'s':>7}")
    results = []
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for result in pool.map(measured, *zip(*jobs, strict=True)):
            results.append(result)
            print(line(result), flush=True)
    for which in dict.fromkeys(r["set"] for r in results):
        summary([r for r in results if r["set"] == which], which)


def summary(results: list[dict[str, Any]], which: str) -> None:
    ill, sound = [r for r in results if r["true"]], [r for r in results if not r["true"]]
    if not results:
        return
    print(f"\n{which}: {len(ill)} faults, {len(sound)} sound")
    if ill:
        repaired = [r for r in ill if r["closed"] >= REPAIRED]
        print(f"  repaired           {len(repaired)}/{len(ill)}")
        bounds = ", ".join(f"{sum(r['cost'] <= bound for r in repaired)} for {bound:g}" for bound in (0.5, 1, 2, 5))
        print(f"  of these for at most so many full trainings: {bounds}")
        for name in searches():
            if name in ill[0]:
                count = sum(r[name] >= REPAIRED for r in ill)
                print(f"  repaired by {name:10} {count}/{len(ill)}, for as many steps as the probe took in all")
        print(f"  first family right {sum(r['first'] in r['true'] for r in ill)}/{len(ill)}")
        print(f"  first finding right {sum(bool(r['found_families']) and r['found_families'][0] in r['true'] for r in ill)}/{len(ill)}")
        print(f"  among first three  {sum(any(f in r['true'] for f in r['found_families'][:3]) for r in ill)}/{len(ill)}")
    print(f"  false prescriptions {sum(bool(r['fixes']) for r in sound)}/{len(sound)}")
    cost, everything, seconds = (statistics.median(r[key] for r in results) for key in ("cost", "all", "seconds"))
    print(f"  median cost        {cost:.2f} full trainings, with the examination {everything:.2f}, {seconds:.0f} s")
    shares = [r["all"] - r["cost"] for r in results]
    print(f"  the examination    {statistics.median(shares):.2f} full trainings, at most {max(shares):.2f}")


if __name__ == "__main__":
    main()
