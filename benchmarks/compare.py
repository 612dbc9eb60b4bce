"""Comparisons of twins: python benchmarks/compare.py [--part test|development] [--errors]

The same recipe trained with other seeds must be no different beyond noise; with a fault, it must be told from its sound twin, and the
better one must be right. Then each run is judged against one, two and three sound seeds as baselines. The logs: benchmarks/runs/twins.py.
The constants in lossdoctor/compare were fitted on the development part, which has other data sets and nets than the test part.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.runs.store import TWINS, load
from benchmarks.shares import of
from lossdoctor.compare import compare
from lossdoctor.core.comparison import Comparison
from lossdoctor.core.curve import Curve
from lossdoctor.core.run import Run

Log = dict[str, list[float | None]]


def run(log: Log, name: str) -> Run:
    """The log as a reader would give it."""
    step = np.array(log["step"], dtype=float)
    curves = {}
    for label, cells in log.items():
        value = np.array([np.nan if cell is None else cell for cell in cells], dtype=float)
        logged = np.array([cell is not None for cell in cells])
        if label != "step" and logged.any():
            curves[label] = Curve.of(label, step[logged], value[logged])
    return Run(curves, source=name)


def twins(part: str) -> list[dict[str, Any]]:
    """Recipes of even number have tasks of the development part, the others those of the test part."""
    return [recipe for recipe in load(TWINS) if recipe["recipe"]["number"] % 2 == (part == "test")]


def differs(comparison: Comparison) -> bool:
    return len(comparison.standings) == 2 and comparison.standings[1].differs


def seeds(recipe: dict[str, Any]) -> list[Run]:
    return [run(log, f"{recipe['recipe']['number']:04} seed {seed}") for seed, log in enumerate(recipe["sound"])]


def same(recipes: list[dict[str, Any]], errors: bool) -> None:
    """Pairs of seeds of one recipe, and all seeds of it together."""
    pairs = [(compare(pair), recipe) for recipe in recipes for pair in itertools.combinations(seeds(recipe), 2)]
    told = [(found, recipe) for found, recipe in pairs if found.standings]
    print(f"\nSame recipe, other seed: {len(told)} pairs that can be compared, of {len(pairs)}")
    for metric in ("all", *sorted({found.metric for found, _ in told})):
        some = [found for found, _ in told if metric in ("all", found.metric)]
        print(f"  {metric:14} no difference beyond noise {of(not differs(found) for found in some)}")
    together = [found for recipe in recipes if (found := compare(seeds(recipe))).standings]
    print(f"  four seeds ranked together: none stands out in {of(len(each.best) == len(each.standings) for each in together)}")
    for found, recipe in told if errors else ():
        if differs(found):
            print(f"    {recipe['recipe']['task']:20} {found.summary}")


def faulty(recipes: list[dict[str, Any]], errors: bool) -> None:
    """A faulty run against a sound twin, by how far it lies from the sound seeds."""
    rows = list(_against_sound(recipes))
    print(f"\nFaulty against its sound twin: {len(rows)} pairs that can be compared")
    for name, low, high in (
        ("within the spread of the seeds", 0.0, 3.0),
        ("3 to 10 standard deviations off", 3.0, 10.0),
        ("further off", 10.0, np.inf),
    ):
        some = [row for row in rows if low <= abs(row[1]) < high]
        told = [row for row in some if differs(row[0])]
        right = of(row[0].standings[0].run.source.endswith("faulty") == (row[1] < 0) for row in told)
        parted = of(row[0].standings[1].parted_at is not None for row in told)
        said = of(differs(row[0]) for row in some)
        print(f"  {name:31} said to differ {said:18} the better one is right {right:18} and where they part is told {parted}")
    for found, off, recipe in rows if errors else ():
        print(f"    {recipe['recipe']['task']:20} {recipe['recipe']['fault']:20} off {off:8.1f} {found.summary}")


def _against_sound(recipes: list[dict[str, Any]]) -> Iterator[tuple[Comparison, float, dict[str, Any]]]:
    """The comparison, and how many standard deviations of the sound seeds the faulty one ends worse than their mean."""
    for recipe in recipes:
        if "faulty" not in recipe:
            continue
        sound, sick = seeds(recipe), run(recipe["faulty"], f"{recipe['recipe']['number']:04} faulty")
        found = compare([sound[0], sick])
        if found.standings:
            ends = np.array([_end(each, found) for each in sound])
            yield found, float((_end(sick, found) - ends.mean()) / max(ends.std(ddof=1), 1e-12)), recipe


def _end(of_run: Run, found: Comparison) -> float:
    """The mean of the last twentieth; lower is better. Infinite where it is no number."""
    value = of_run.curves[found.metric].value
    late = float(value[-max(3, len(value) // 20) :].mean())
    return np.inf if not np.isfinite(late) else -late if found.higher_is_better else late


def baselines(recipes: list[dict[str, Any]]) -> None:
    """A seed and the faulty run, judged against other seeds as baselines."""
    print("\nAgainst baselines, where it can be told")
    for count in (1, 2, 3):
        well, sick = [], []
        for recipe in recipes:
            sound = seeds(recipe)
            well += compare([sound[3]], sound[:count]).judgements
            if "faulty" in recipe:
                sick += compare([run(recipe["faulty"], "faulty")], sound[:count]).judgements
        for word in ("worse", "slower"):
            sound_flags, sick_flags = ([bool(getattr(j, word)) for j in some if getattr(j, word) is not None] for some in (well, sick))
            name = f"{count} baseline{'s' if count > 1 else ''}"
            print(f"  {name:11} called {word:7} a sound seed {of(sound_flags):18} a faulty run {of(sick_flags)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="test", choices=["test", "development"])
    parser.add_argument("--errors", action="store_true", help="list the comparisons")
    options = parser.parse_args()
    recipes = twins(options.part)
    print(f"{options.part} part: {len(recipes)} recipes, each with {len(recipes[0]['sound'])} seeds")
    same(recipes, options.errors)
    faulty(recipes, options.errors)
    baselines(recipes)


if __name__ == "__main__":
    main()
