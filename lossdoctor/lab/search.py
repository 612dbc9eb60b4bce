"""The search: which fixes, alone and together, beat the untouched config, by how much, and how surely.

What the findings call for is tried first. Short trials sort the candidates, full ones compare the best, winners are
combined one by one, and what no finding called for is tried on top only while there is something left to gain. Each part
is left out once to see that it is needed, and what remains is verified over paired seeds.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import EDITS, Fix, Patch, Settings, merge
from lossdoctor.core.trial import Chosen, Effect, Level, Prescription, Treatment
from lossdoctor.lab.bench import NOTHING, Bench, OutOfBudget
from lossdoctor.lab.judge import Judge

SCREEN = 0.25  # share of a full trial that the first sorting takes at most
SORTING = 0.3  # share of the time for exploring that the first sorting takes at most
FINALISTS = 5  # candidates that go on to full trials, besides those that a finding calls for
PER_FAMILY = 2
FOLLOWED = 0.5  # share of the best gain that a learning rate to which no finding led must have to be followed
STIR = 0.005  # share of the scale
BUNDLED = 0.5  # evidence from which a fix is in the bundle: that of a confident finding of its own family
MOST_SEEDS = 7  # pairs after which a gain that is still not sure is none
FEWEST_SEEDS = 2  # pairs without which nothing is proved
REFINEMENTS = 5  # trials with which a learning rate is followed
PARTS = 4  # fixes in a combination at most
EVIDENCE = 0.3  # how much of the best gain a finding's full confidence is worth when two fixes do about as well
WORTH_ADDING = 0.05  # share of the gain so far that a further fix must add where a finding calls for it
WORTH_ADDING_BLIND = 0.15  # and where none does: the smallest change that cures is the best
LATE = ("early_stopping", "regularization", "dropout", "augmentation")  # families whose gain shows at the end of a training

LR = "training.optimizer.lr"

Progress = Callable[..., None]


@dataclass(frozen=True)
class Candidate:
    """One fix as one patch; ``evidence`` is the confidence of the finding that led to it, 0 where none did."""

    fix: Fix
    patch: Patch
    evidence: float = 0.0

    @property
    def led(self) -> bool:
        return self.evidence > 0

    def clashes(self, other: Candidate) -> bool:
        """Whether both change the same key, or one the section that holds the other's."""
        keys = [(a + ".", b + ".") for a in self.patch.changes for b in other.patch.changes if EDITS not in (a, b)]
        return any(a.startswith(b) or b.startswith(a) for a, b in keys)


def candidates(fixes: Iterable[Fix], findings: Sequence[Finding], settings: Settings, families: Sequence[str] | str) -> list[Candidate]:
    """Every patch worth a trial: those that findings call for first, then those of all other fixes.

    A fix of another family than the finding's is its less likely cure: it bears half of the evidence.
    """
    fixes = [fix for fix in fixes if families == "all" or fix.family in families]
    found: dict[str, Candidate] = {}
    for finding in findings:
        for fix in fixes:
            if finding.code in fix.cures:
                evidence = finding.confidence * (1.0 if fix.family == finding.family else 0.5)
                _collect(found, fix, fix.propose(settings, finding), evidence)
    for fix in fixes:
        _collect(found, fix, fix.propose(settings, None), 0.0)
    return list(found.values())


def _collect(found: dict[str, Candidate], fix: Fix, patches: Iterator[Patch], evidence: float) -> None:
    for patch in patches:
        key = repr(sorted(patch.changes.items(), key=str))
        if patch.changes and (key not in found or found[key].evidence < evidence):
            found[key] = Candidate(fix, patch, evidence)


@dataclass
class Search:
    """The state of a search, so that what is known can be told whenever it ends."""

    bench: Bench
    seeds: Sequence[int]
    full: float = 1.0
    progress: Progress = lambda *_: None
    treatments: dict[tuple[str, ...], Treatment] = field(default_factory=dict)
    tried: dict[tuple[str, ...], list[Candidate]] = field(default_factory=dict)
    base: list[float] = field(default_factory=list)
    prescription: Prescription | None = None
    attribution: dict[str, float] = field(default_factory=dict)

    @property
    def judge(self) -> Judge:
        return self.bench.judge

    @property
    def typical(self) -> int:
        """The seed with the median baseline: a lucky start would hide an illness that most starts show."""
        order = sorted(range(len(self.base)), key=lambda i: self.judge.worth(self.base[i]))
        return self.seeds[order[len(order) // 2]] if order else self.seeds[0]

    def run(self, pool: Sequence[Candidate], verify_by: float) -> None:
        """Find and verify the best combination; ``verify_by`` is the deadline for the last part."""
        self.measure_baseline()
        best: list[Candidate] = []
        led, blind = [c for c in pool if c.led], [c for c in pool if not c.led]
        try:
            best = self.combine(self.compare(led), self.bundle(led))
            best = self.extend(best, blind) if best else self.combine(self.compare(pool))
        except OutOfBudget:
            best = self._best_so_far()
        self.bench.deadline = verify_by
        if best:
            self.verify(best)

    def measure_baseline(self) -> None:
        """The untouched config over all seeds, as far as time allows; the first seed is always there."""
        for seed in self.seeds:
            self.progress(f"baseline, seed {seed}")
            try:
                self.base.append(self.bench.trial(NOTHING, seed, self.full).value)
            except OutOfBudget:
                break

    def baseline(self) -> Level | None:
        return self.judge.level(self.base) if self.base else None

    def compare(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """The candidates that are worth it, from short trials to full ones, best first."""
        return self.rank(self.refine(self.rank(self.screen(pool))))

    def extend(self, chosen: list[Candidate], pool: Sequence[Candidate]) -> list[Candidate]:
        """Whatever of ``pool`` adds to the chosen, first tried on top of it in short trials."""
        fitting = [c for c in pool if self._fits(c, chosen) and self._has_room(chosen, c)]
        for candidate in self.screen(fitting, chosen):
            chosen = self._with(chosen, candidate)
        return self._prune(chosen)

    def screen(self, pool: Sequence[Candidate], top_of: Sequence[Candidate] = ()) -> list[Candidate]:
        """Short trials of all candidates; the best go on, and those with strong evidence or a late effect."""
        share = self._screen_share(len(pool))
        before = self.judge.worth(self.bench.trial(self._merged(top_of), self.typical, share).value)
        gains: dict[int, float] = {}
        for index, candidate in enumerate(pool):
            self.progress(f"short trial {index + 1} of {len(pool)}: {candidate.patch.why}", index / len(pool) / 2)
            trial = self.bench.trial(self._merged([*top_of, candidate]), self.typical, share)
            if not top_of:
                self._record([candidate], [trial.value], [before], trial.steps, trial.error)
            gains[index] = before - trial.value if trial.error is None else -math.inf
        top = max(gains.values(), default=0.0)
        order = sorted(gains, key=lambda i: -self._score(gains[i], top, pool[i]))
        chosen: list[Candidate] = []
        for index in order:
            candidate, gain = pool[index], gains[index]
            same_family = sum(other.fix.family == candidate.fix.family for other in chosen)
            promising = gain > 0 and len(chosen) < FINALISTS and same_family < PER_FAMILY
            called_for = candidate.evidence >= 0.5 and same_family < PER_FAMILY and gain > -math.inf
            late = candidate.fix.family in LATE and candidate.led and gain > -math.inf
            if promising or called_for or late:
                chosen.append(candidate)
        return chosen

    def _screen_share(self, count: int) -> float:
        """The length of the short trials: a quarter of a full one, less where time is short."""
        left = max(self.bench.deadline - time.monotonic(), 0.0)
        whole = self.bench.seconds / max(self.bench.steps, 1) * self.bench.workload.steps
        return min(self.full * SCREEN, SORTING * left / (count * whole)) if count and whole else self.full * SCREEN

    def rank(self, finalists: Sequence[Candidate]) -> list[Candidate]:
        """The finalists by gain in a full trial with the first seed, and by evidence, best first; what failed is left out."""
        gains: dict[int, float] = {}
        for index, candidate in enumerate(finalists):
            self.progress(f"full trial {index + 1} of {len(finalists)}: {candidate.patch.why}", 0.5 + index / len(finalists) / 4)
            gains[index] = self._gain([candidate])
        top = max(gains.values(), default=0.0)
        return [finalists[i] for i in sorted(gains, key=lambda i: -self._score(gains[i], top, finalists[i])) if gains[i] > -math.inf]

    def refine(self, finalists: list[Candidate]) -> list[Candidate]:
        """Follow the best learning rate on its way up or down while that still gains: first by tens, then by threes."""
        start = next((c for c in finalists if list(c.patch.changes) == [LR]), None)
        if start is None or not self._stirs(start):
            return finalists
        if not start.led and self._gain([start]) < FOLLOWED * self._gain([finalists[0]]):
            return finalists
        best, now, trials = start, float(Settings(self.bench.file.values).get(LR)), 0
        onward = 1 if start.patch.changes[LR] > now else -1
        for factor in (10.0**onward, 3.0**onward, 3.0**-onward):
            while trials < REFINEMENTS:
                trials += 1
                following = self._at_rate(start, now, best.patch.changes[LR] * factor)
                turned = (following.patch.changes[LR] - now) * onward <= 0
                if turned or self._gain([following]) <= self._gain([best]):
                    break
                best = following
        return [best if candidate is start else candidate for candidate in finalists]

    def _stirs(self, candidate: Candidate) -> bool:
        """Whether a gain is more than chance, if it be not yet material."""
        noise = self.judge.noise(self.base)
        return self._gain([candidate]) > max(0.0 if math.isnan(noise) else noise, STIR * self.judge.scale)

    def _at_rate(self, candidate: Candidate, now: float, rate: float) -> Candidate:
        lr = float(f"{rate:.3g}")
        self.progress(f"learning rate {lr:g}", 0.75)
        return Candidate(candidate.fix, Patch({LR: lr}, f"learning rate {now:g} -> {lr:g}"), candidate.evidence)

    def bundle(self, led: Sequence[Candidate]) -> list[Candidate]:
        """What the findings call for, all at once: faults that hide each other can only be mended together."""
        chosen: list[Candidate] = []
        for candidate in sorted(led, key=lambda c: -c.evidence):
            new = all(candidate.fix is not part.fix and not candidate.clashes(part) for part in chosen)
            if new and candidate.evidence >= BUNDLED and len(chosen) < PARTS:
                chosen.append(candidate)
        return chosen

    def combine(self, finalists: Sequence[Candidate], bundle: Sequence[Candidate] = ()) -> list[Candidate]:
        """The best single fix whose gain is proved, or the bundle where that is better, and whatever adds to it, greedily;
        then what is not needed is dropped."""
        start = next((c for c in finalists[:3] if self._holds([c])), None)
        chosen = [start] if start else []
        if len(bundle) > 1 and self._adds(self._gain(bundle), self._gain(chosen), bundle[0]) and self._holds(bundle):
            chosen = self._prune(list(bundle))
        if not chosen:
            return []
        for candidate in finalists:
            chosen = self._with(chosen, candidate)
        return self._prune(chosen)

    def _with(self, chosen: list[Candidate], candidate: Candidate) -> list[Candidate]:
        """The combination with the candidate in it, where it fits and adds; otherwise as it was."""
        if len(chosen) == PARTS or not self._fits(candidate, chosen) or not self._has_room(chosen, candidate):
            return chosen
        self.progress(f"together: {candidate.patch.why}", 0.8)
        adds = self._adds(self._gain([*chosen, candidate]), self._gain(chosen), candidate)
        return [*chosen, candidate] if adds else chosen

    def _fits(self, candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
        """Whether nothing of it is in the combination yet; two fixes of a family go together only where findings call for it."""
        same = any(candidate.fix is part.fix or (candidate.fix.family == part.fix.family and not candidate.led) for part in chosen)
        return not same and not any(candidate.clashes(part) for part in chosen)

    def _has_room(self, chosen: Sequence[Candidate], part: Candidate) -> bool:
        """Whether the loss that is left is more than what the part would have to bring; no loss known to us is below zero."""
        left = self.bench.trial(self._merged(chosen), self.typical, self.full).value
        return left < 0 or left > self._threshold(self._gain(chosen), part)

    def verify(self, chosen: list[Candidate]) -> None:
        """Paired trials of the combination over all seeds; kept as the prescription only where the gain is proved."""
        led = any(candidate.led for candidate in chosen)
        after: list[float] = []
        try:
            for seed in self.seeds[: len(self.base)]:
                self.progress(f"verification, seed {seed}", 0.95)
                after.append(self.bench.trial(self._merged(chosen), seed, self.full).value)
        except OutOfBudget:
            if len(after) < FEWEST_SEEDS:
                return
        self.base = self.base[: len(after)]
        effect = self.judge.proof(self.base, after, led=led)
        if effect is None or statistics.fmean(after) > self._reach():
            return
        self.bench.deadline = math.inf  # the few trials that this may still need finish what is proved
        shares = self._shares(chosen)
        ranked = sorted(chosen, key=lambda c: -shares[c.fix.code])
        self._record(chosen, after, self.base, self.bench.trial(self._merged(chosen), self.typical, self.full).steps, None, verified=True)
        parts = tuple(Chosen(c.fix, c.patch, shares[c.fix.code]) for c in ranked)
        self.prescription = Prescription(parts, self._merged(ranked), statistics.fmean(self.base), statistics.fmean(after), effect)
        total = sum(max(gain, 0.0) for gain in shares.values()) or 1.0
        for candidate in ranked:
            share = max(shares[candidate.fix.code], 0.0) / total
            self.attribution[candidate.fix.family] = self.attribution.get(candidate.fix.family, 0.0) + share

    def _gain(self, parts: Sequence[Candidate], seed: int | None = None) -> float:
        """The gain of a combination at full length with one seed, the typical one unless said; minus infinity where it failed."""
        seed = self.typical if seed is None else seed
        trial = self.bench.trial(self._merged(parts), seed, self.full)
        before = self.judge.worth(self.bench.trial(NOTHING, seed, self.full).value)
        self._record(parts, [trial.value], [before], trial.steps, trial.error)
        return before - trial.value if trial.error is None else -math.inf

    def _holds(self, parts: Sequence[Candidate]) -> bool:
        """Whether a gain is material and goes beyond the noise between seeds; a single seed can only tell the first."""
        led = any(part.led for part in parts)
        before = self.bench.trial(NOTHING, self.typical, self.full).value
        if not self.judge.material(self._gain(parts), self.judge.worth(before), led=led):
            return False
        patch = self._merged(parts)
        after = [self.bench.trial(patch, seed, self.full).value for seed in self.seeds[: len(self.base)]]
        while led and len(after) < MOST_SEEDS and self.judge.promising(self.base, after):
            seed = self.seeds[0] + len(after)
            self.progress(f"not sure yet, seed {seed}", 0.9)
            value = self.bench.trial(NOTHING, seed, self.full).value
            after.append(self.bench.trial(patch, seed, self.full).value)
            self.seeds, self.base = [*self.seeds[: len(self.base)], seed], [*self.base, value]
        return len(after) < FEWEST_SEEDS or self.judge.proof(self.base, after, led=led) is not None

    def _adds(self, together: float, alone: float, part: Candidate) -> bool:
        """Whether a part is worth its place."""
        return together - alone > self._threshold(alone, part)

    def _threshold(self, gain: float, part: Candidate) -> float:
        """What a part must add to a gain: more than the noise, and what no finding calls for more than what one does."""
        noise = self.judge.noise(self.base)
        absolute, relative = (self.judge.led_absolute, WORTH_ADDING) if part.led else (self.judge.blind_absolute, WORTH_ADDING_BLIND)
        return max(relative * gain, absolute * self.judge.scale, 0.0 if math.isnan(noise) else noise)

    def _prune(self, chosen: list[Candidate]) -> list[Candidate]:
        """Leave each part out once; what is not missed goes."""
        for part in sorted(chosen, key=lambda c: c.evidence):
            rest = [candidate for candidate in chosen if candidate is not part]
            if rest and not self._adds(self._gain(chosen), self._gain(rest), part):
                chosen = rest
        return chosen

    def _reach(self) -> float:
        """What the baseline may still reach where trials are shorter than the training: its trend in log-log scale
        (Hestness et al. 2017) drawn out to the full length. Loss curves flatten on that scale, so this favours the baseline."""
        if self.full >= 1:
            return math.inf
        curve = self.bench.trial(NOTHING, self.typical, self.full).run.curves[self.judge.metric].finite
        half, end = curve.value[len(curve) // 2 - 1], curve.last
        if len(curve) < 4 or min(half, end) <= 0:
            return -math.inf
        slope = min(math.log(end / half) / math.log(curve.step[-1] / curve.step[len(curve) // 2 - 1]), 0.0)
        return float(end * (1 / self.full) ** slope)

    def _shares(self, chosen: Sequence[Candidate]) -> dict[str, float]:
        """What each fix contributes: the mean of its gain alone and of the loss without it, which for two fixes is its
        Shapley value (Shapley 1953)."""
        if len(chosen) == 1:
            return {chosen[0].fix.code: self._gain(chosen)}
        whole = self._gain(chosen)
        shares = {}
        for part in chosen:
            rest = [candidate for candidate in chosen if candidate is not part]
            shares[part.fix.code] = (max(self._gain([part]), 0.0) + whole - self._gain(rest)) / 2
        return shares

    def _best_so_far(self) -> list[Candidate]:
        """When time runs out: of the longest trials, the combination with the largest gain, if it is material."""
        known = [(t.steps, t.effect.gain, key) for key, t in self.treatments.items() if t.effect and t.error is None]
        if not known or not self.base:
            return []
        longest = max(steps for steps, _, _ in known)
        _, gain, key = max((entry for entry in known if entry[0] >= 0.9 * longest), key=lambda entry: entry[1])
        before = statistics.fmean(map(self.judge.worth, self.base))
        led = any(candidate.led for candidate in self.tried[key])
        return self.tried[key] if self.judge.material(gain, before, led=led) else []

    def _score(self, gain: float, top: float, candidate: Candidate) -> float:
        return gain / top + EVIDENCE * candidate.evidence if top > 0 else gain

    def _merged(self, parts: Sequence[Candidate]) -> Patch:
        return merge([part.patch for part in parts], self.bench.file.values)

    def _record(
        self,
        parts: Sequence[Candidate],
        after: Sequence[float],
        before: Sequence[float],
        steps: int,
        error: str | None,
        *,
        verified: bool = False,
    ) -> None:
        """Keep the best-founded result of every combination: more seeds and more steps replace fewer."""
        key = tuple(text for part in parts for text in (part.fix.code, repr(part.patch.changes)))
        effect: Effect | None = None if error else self.judge.effect(before, after)
        known = self.treatments.get(key)
        if known and known.effect and effect and (known.effect.seeds, known.steps) > (effect.seeds, steps):
            return
        value = statistics.fmean(after)
        self.tried[key] = list(parts)
        self.treatments[key] = Treatment(tuple(p.fix for p in parts), self._merged(parts), value, effect, steps, verified, error)
