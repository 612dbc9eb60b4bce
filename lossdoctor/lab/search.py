"""The search: which fixes, alone and together, beat the untouched config, by how much, and how surely.

The baseline is looked at as far as a sixteenth of the budget goes. What the findings call for is tried first, for as many
steps and with the same seed; the first fix that holds ends the search but for its rivals. What holds must beat not only the
baseline at that step but what the baseline would reach by training on. It is then verified over paired seeds, where data are few
over folds (:meth:`Workload.fold`). Where nothing holds, the baseline is looked at twice as far, its log examined anew, and so on
to the end of its training. There is no random or Bayesian search of last resort: for the cost of one training neither mends what
this leaves (``benchmarks/searchers.py``).
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import EDITS, LR, Fix, Patch, Settings, merge
from lossdoctor.core.run import Run
from lossdoctor.core.trial import Chosen, Effect, Level, Prescription, Treatment
from lossdoctor.lab.bench import NOTHING, Bench, OutOfBudget
from lossdoctor.lab.judge import Judge

LESS_LIKELY = 2.5  # findings that come before a fix of another family than its finding's
RUNGS = 16  # a first look takes this part of a training, at most of the budget; each further look twice as much
FEWEST_STEPS = 32  # in a first look, so that a trend shows
RIVALS = 1  # further candidates that are tried once one holds
DOSES = 4  # patches of one fix that are compared
STIR = 0.005  # share of the scale
ENOUGH = 0.5  # of the baseline's own value: a gain that leaves nothing to look for in other doses of the same fix
AS_WELL = 0.85  # of the best gain: a lower learning rate that gains as much does about as well
FASTER = 2.0  # times the baseline's own progress
BUNDLED = 0.5  # evidence from which a fix is in the bundle: that of a confident finding of its own family
MOST_SEEDS = 7  # pairs after which a gain that is still not sure is none
REFINEMENTS = 4  # trials with which a learning rate is followed
OVERDRAFT = 1.1  # times the budget, so that what was found for it can still be verified
SURE = 0.75  # evidence of a finding that is doubted only after other seeds were asked, and its cure only after longer trials
LEADING = 0.5  # share of the budget that is for what sure findings call for, while nothing is proved
HALFWAY = 0.5  # of a material gain: what comes so far is tried for longer before anything that no finding calls for
PARTS = 4  # fixes in a combination at most
EVIDENCE = 0.3  # how much of the best gain a finding's full confidence is worth when two fixes do about as well
WORTH_ADDING = 0.05  # share of the gain so far that a further fix must add where a finding calls for it
WORTH_ADDING_BLIND = 0.15  # and where none does: the smallest change that cures is the best
LATE = ("early_stopping", "regularization", "dropout", "augmentation")  # families whose gain may show only at the end of a training
LIKELY = ("learning_rate", "capacity", "optimizer", "preprocessing", "initialization", "normalization")  # where no finding leads
FEWEST_POINTS = 6  # evaluations that a trend is drawn from
SMOOTHED = 2  # evaluations that a level is the mean of

Progress = Callable[..., None]


@dataclass(frozen=True)
class Candidate:
    """One fix as one patch; ``evidence`` is the confidence of the finding that led to it, 0 where none did, ``cause`` its code."""

    fix: Fix
    patch: Patch
    evidence: float = 0.0
    cause: str = ""

    @property
    def led(self) -> bool:
        return self.evidence > 0

    def clashes(self, other: Candidate) -> bool:
        """Whether both are cures of one finding, or change the same key, or one the section that holds the other's."""
        if self.fix is other.fix or (self.cause and self.cause == other.cause):
            return True
        keys = [(a + ".", b + ".") for a in self.patch.changes for b in other.patch.changes if EDITS not in (a, b)]
        return any(a.startswith(b) or b.startswith(a) for a, b in keys)


def candidates(fixes: Iterable[Fix], findings: Sequence[Finding], settings: Settings, families: Sequence[str] | str) -> list[Candidate]:
    """Every patch worth a trial: those that findings call for, the first finding's first, then those of all other fixes.

    A fix of another family than the finding's is its less likely cure: it bears half of the evidence and comes later.
    """
    fixes = [fix for fix in fixes if families == "all" or fix.family in families]
    found: dict[str, Candidate] = {}
    calls = [
        (place + LESS_LIKELY * (fix.family != finding.family), finding, fix) for place, finding in enumerate(findings) for fix in fixes
    ]
    for _, finding, fix in sorted(calls, key=lambda call: call[0]):
        if finding.code in fix.cures:
            evidence = finding.confidence * (1.0 if fix.family == finding.family else 0.5)
            _collect(found, fix, fix.propose(settings, finding), evidence, finding.code)
    for fix in sorted(fixes, key=lambda fix: LIKELY.index(fix.family) if fix.family in LIKELY else len(LIKELY)):
        _collect(found, fix, fix.propose(settings, None), 0.0, "")
    measured = {c.fix.code for c in found.values() if math.isfinite(c.patch.at_most)}  # no need to guess at values
    return [c for c in found.values() if c.fix.code not in measured or math.isfinite(c.patch.at_most)]


def _collect(found: dict[str, Candidate], fix: Fix, patches: Iterator[Patch], evidence: float, cause: str) -> None:
    for patch in patches:
        key = repr(sorted(patch.changes.items(), key=str))
        if patch.changes and (key not in found or found[key].evidence < evidence):
            found[key] = Candidate(fix, patch, evidence, cause)


@dataclass
class Search:
    """The state of a search, so that what is known can be told whenever it ends.

    ``pool`` gives the candidates that the log of the baseline so far, if there is time for any, calls for, and all others, or None
    where no trial would prove anything, which ends it as ``void``; ``budget`` is in full trainings, ``at_most`` what it rises to where
    the training is ill for sure and a confident finding leads.
    """

    bench: Bench
    seeds: Sequence[int]
    budget: float
    pool: Callable[[Run | None, float], tuple[Sequence[Candidate], bool] | None]
    progress: Progress = lambda *_: None
    at_most: float = 0.0
    share: float = 1.0
    seen: float = 1.0
    treatments: dict[tuple[str, ...], Treatment] = field(default_factory=dict)
    prescription: Prescription | None = None
    attribution: dict[str, float] = field(default_factory=dict)
    hopes: list[Candidate] = field(default_factory=list)
    typical: bool = False
    exhausted: bool = False
    looked: bool = False
    void: bool = False

    @property
    def judge(self) -> Judge:
        return self.bench.judge

    def __post_init__(self) -> None:
        self.first = self.seeds[0]

    def run(self) -> None:
        """Look at the baseline, treat it, and where nothing is proved look further along its training, twice as far each time."""
        first = max(1 / RUNGS, FEWEST_STEPS / self.bench.workload.steps)
        begin = self.share = self.seen = min(1.0, self.budget / RUNGS, first)
        try:
            while not self._settled(begin) and self.seen < 1:
                self.seen = min(1.0, 2 * self.seen)
        except OutOfBudget:
            self.exhausted = True
        if not self.looked:
            self.pool(None, 0.0)

    def look(self) -> None:
        """Examine the baseline as far along its training as the budget reaches, and treat nothing."""
        self.share = self.seen = min(1.0, self.budget)
        try:
            self._ask()
        except OutOfBudget:
            self.pool(None, 0.0)

    def _ask(self) -> tuple[Sequence[Candidate], bool] | None:
        """What the log of the baseline calls for, as far as it is seen."""
        run = self.bench.trial(NOTHING, self.first, self.seen).run
        self.looked = True
        return self.pool(run, self.seen)

    def _settled(self, begin: float) -> bool:
        """Whether a treatment was proved, now that the baseline is seen so far, or none can be.

        Trials are first as short as the first look, since what is wrong from the start shows there; what gained a little is tried
        for longer, and what shows its gain only at the end of a training as far as the baseline is seen.
        """
        self.bench.limit = self.budget
        self.progress(f"the config as it is, {self.seen:.0%} of its training")
        asked = self._ask()
        if asked is None:
            self.void = True
            return True
        pool, ill = asked
        led = [c for c in pool if c.evidence >= BUNDLED]
        self.budget = max(self.budget, self.at_most) if ill and led else self.budget
        weak, blind = [c for c in pool if 0 < c.evidence < BUNDLED], [c for c in pool if not c.led] if ill else []
        for part in (led, weak, self.hopes or blind):
            if part is not led and self._leading(led):
                continue
            for share in _doubled(begin, self.seen):
                self.share = share
                if self._proved([c for c in part if share == self.seen or c.fix.family not in LATE]):
                    return True
            if self.seen == begin and any(c.evidence >= SURE for c in part) and self._lucky():
                return self._settled(begin)
        return False

    def _leading(self, led: Sequence[Candidate]) -> bool:
        """Whether longer trials of what confident findings call for come before trials of anything else."""
        in_time = self.bench.spent < LEADING * self.budget
        return self.seen < 1 and any((in_time and c.evidence >= SURE) or self._gain_of(c) > HALFWAY for c in led)

    def _gain_of(self, candidate: Candidate) -> float:
        """The gain in a candidate's longest trial so far, as a share of what is material; below zero where it failed or had none."""
        known = self.treatments.get(_key([candidate]))
        if known is None or known.effect is None:
            return -math.inf
        return known.effect.gain / self.judge.least(known.value + known.effect.gain, led=True)

    def _lucky(self) -> bool:
        """Whether the first seed is not the typical one, which now takes its place: a lucky start hides an illness that most show."""
        first, self.bench.limit = self.first, self.budget
        self.bench.prepare([(NOTHING, seed) for seed in self.seeds], self.share)
        order = sorted(self.seeds, key=lambda seed: self.judge.worth(self._value((), seed)))
        self.first = order[len(order) // 2]
        if self.first == first or self.typical:
            return False
        self.typical = True
        self.treatments.clear()
        return True

    def _proved(self, pool: Sequence[Candidate]) -> bool:
        self.bench.limit = self.budget - 2 * self.share  # what it takes to see a gain with a second seed
        try:
            chosen = self.treat(pool)
        except OutOfBudget:
            chosen = self._best_so_far(pool)
        self.bench.limit = OVERDRAFT * self.budget
        return bool(chosen) and self.verify(chosen)

    def baseline(self) -> Level | None:
        """The untouched config over the seeds that were trained as far as the first."""
        known = [self._value((), seed) for seed in self.seeds if self.bench.cost(NOTHING, seed, self.share) == 0]
        return self.judge.level(known) if known else None

    def unproved(self) -> Treatment | None:
        """What gained most on several seeds when the budget was spent before more could prove it; None where nothing is open."""
        if not self.exhausted or self.prescription is not None:
            return None

        def gain(treatment: Treatment) -> float:
            effect = treatment.effect
            asked = effect is not None and 1 < effect.seeds < MOST_SEEDS
            return effect.gain if effect and asked and self.judge.material(effect.gain, treatment.value + effect.gain, led=True) else 0.0

        best = max(self.treatments.values(), key=gain, default=None)
        return best if best and gain(best) > 0 else None

    def treat(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """The fix that holds, in the dose that does best, and what must come with it."""
        holding: list[Candidate] = []
        rivals = 0
        for candidate in sorted(_spread(pool), key=lambda c: self._gain_of(c) <= HALFWAY):
            if holding and (rivals == RIVALS or candidate.evidence < BUNDLED):
                break
            if self._hopeless(candidate) or any(candidate.clashes(other) for other in holding):
                continue
            rivals += bool(holding)
            if not holding and self._stirs(candidate):
                candidate = self._dose(candidate, pool)
            if self.holds([candidate]):
                holding.append(candidate)
            elif not candidate.led and self._beats([candidate], led=True):
                self.hopes = [candidate]  # a longer trial will tell
                break
        bundle = self._bundle(pool)
        if not holding:
            return self._prune(bundle) if len(bundle) > 1 and self.holds(bundle) else []
        best = min(holding, key=lambda c: -self._score(c, holding))
        chosen = [self._dose(best, pool)]
        for candidate in [*holding, *bundle]:
            chosen = self._with(chosen, candidate)
        return self._prune(chosen)

    def _dose(self, candidate: Candidate, pool: Sequence[Candidate]) -> Candidate:
        """The patch itself where it gains most of what there is; else the best that its fix proposes.

        A learning rate is followed on its way up or down while that still gains. Of two rates that do about as well the lower
        one: in short trainings high rates look better than they are (Wu et al. 2018, Understanding Short-Horizon Bias).
        """
        if self._share_of(candidate) > ENOUGH:
            return candidate
        others = [c for c in pool if c.fix is candidate.fix and c is not candidate and not self._hopeless(c)]
        doses = [candidate, *others[: DOSES - 1]]
        self.bench.prepare([(c.patch, self.first) for c in doses], self.share)
        if list(candidate.patch.changes) == [LR]:
            doses += self._followed(min(doses, key=self._after))
            most = max(map(self._share_of, doses))
            doses = [min((c for c in doses if self._share_of(c) >= AS_WELL * most), key=lambda c: float(c.patch.changes[LR]))]
        return min(doses, key=self._after)

    def _share_of(self, candidate: Candidate) -> float:
        """The gain as a share of the baseline's own value."""
        before = self.judge.worth(self._value((), self.first))
        return (before - self._after(candidate)) / abs(before) if before else 0.0

    def _stirs(self, candidate: Candidate) -> bool:
        """Whether with a learning rate the training gets on several times as fast as the baseline, however slowly."""
        if list(candidate.patch.changes) != [LR]:
            return False
        curve = self.bench.trial(NOTHING, self.first, self.share).run.curves[self.judge.metric].finite
        start, before, after = float(curve.value[0]) if len(curve) else math.nan, self._value((), self.first), self._after(candidate)
        return start - after > FASTER * max(start - before, 0.0)

    def _followed(self, start: Candidate) -> list[Candidate]:
        """Further learning rates up or down from the best so far, while that still gains: by tens, then by threes, lower ones first."""
        best, now, trials = start, float(Settings(self.bench.file.values).get(LR)), 0
        onward, met = (1 if start.patch.changes[LR] > now else -1), []
        for factor in (10.0**onward, 1 / 3.0, 3.0):
            while trials < REFINEMENTS:
                following = self._at_rate(start, now, best.patch.changes[LR] * factor)
                rate = following.patch.changes[LR]
                if (rate - now) * onward <= 0 or rate > start.patch.at_most:
                    break
                trials += self.bench.cost(following.patch, self.first, self.share) > 0
                met.append(following)
                if self._after(following) >= self._after(best):
                    break
                best = following
        return met

    def _at_rate(self, candidate: Candidate, now: float, rate: float) -> Candidate:
        lr = float(f"{rate:.3g}")
        return Candidate(candidate.fix, Patch({LR: lr}, f"learning rate {now:g} -> {lr:g}"), candidate.evidence)

    def holds(self, parts: Sequence[Candidate]) -> bool:
        """Whether with the first seed the gain is material, even over what the baseline would reach by training on."""
        self.progress(f"trying {', '.join(part.patch.why for part in parts)}")
        return self._beats(parts, led=any(part.led for part in parts))

    def _beats(self, parts: Sequence[Candidate], *, led: bool) -> bool:
        to_beat = min(self.reach((), self.first), self.judge.worth(self._value((), self.first)))
        return self.judge.material(to_beat - self._after(*parts), to_beat, led=led)

    def reach(self, parts: Sequence[Candidate], seed: int) -> float:
        """What a training may still reach by its end: its trend in log-log scale (Hestness et al. 2017) drawn out to the full length.

        Loss curves flatten on that scale, so that this is rather too good than too bad.
        """
        share = self.share if parts or seed != self.first else self.seen
        trial = self.bench.trial(self._merged(parts), seed, share)
        value = self.judge.worth(trial.value)
        if share >= 1 or trial.error or not math.isfinite(trial.value):
            return value
        curve = trial.run.curves[self.judge.metric].finite
        if len(curve) < FEWEST_POINTS:
            return -math.inf
        middle = len(curve) // 2
        half, end = (float(np.mean(curve.value[place - SMOOTHED : place])) for place in (middle, len(curve)))
        if min(half, end) <= 0:
            return -math.inf
        slope = min(math.log(end / half) / math.log(curve.step[-1] / curve.step[middle - 1]), 0.0)
        known = min(value, self.judge.scale)  # where it has not come below a constant guess, nothing says that it will
        return float(end * (1 / share) ** slope) if value < self.judge.scale else known

    def verify(self, chosen: list[Candidate]) -> bool:
        """Paired trials over the seeds; the prescription only where the gain is proved, even over what the baseline may still reach."""
        led = any(candidate.led for candidate in chosen)
        patch = self._merged(chosen)
        before, after = [self._value((), self.first)], [self._value(chosen, self.first)]
        wanted = len(self.seeds)
        fresh = itertools.chain((seed for seed in self.seeds if seed != self.first), itertools.count(max(self.seeds) + 1))
        while len(after) < wanted:
            seed = next(fresh)
            self.progress(f"verification, seed {seed}", 0.9)
            try:
                self.bench.prepare([(NOTHING, seed), (patch, seed)], self.share)
            except OutOfBudget:
                break
            before.append(self._value((), seed))
            after.append(self._value(chosen, seed))
            if len(after) == wanted < MOST_SEEDS and led and self.judge.promising(before, after):
                wanted += 1
        effect = self.judge.proof(before, after, led=led)
        reach = self.reach((), self.first)
        lasting = self.judge.material(reach - statistics.fmean(after), reach, led=led)
        shown = self.bench.trial(patch, self.first, self.share)
        proved = effect is not None and lasting
        self._record(chosen, after, before, shown.steps, None, verified=proved)
        if not proved or effect is None:
            self.exhausted |= len(after) < wanted
            return False
        shares = self._shares(chosen)
        ranked = sorted(chosen, key=lambda c: -shares[c.fix.code])
        parts = tuple(Chosen(c.fix, c.patch, shares[c.fix.code]) for c in ranked)
        levels = statistics.fmean(before), statistics.fmean(after)
        self.prescription = Prescription(parts, self._merged(ranked), *levels, effect, run=shown.run)
        total = sum(max(gain, 0.0) for gain in shares.values()) or 1.0
        for candidate in ranked:
            share = max(shares[candidate.fix.code], 0.0) / total
            self.attribution[candidate.fix.family] = self.attribution.get(candidate.fix.family, 0.0) + share
        return True

    def _value(self, parts: Sequence[Candidate], seed: int) -> float:
        return self.bench.trial(self._merged(parts), seed, self.share).value

    def _after(self, *parts: Candidate) -> float:
        """The value of a combination with the first seed, infinite where it failed; what was tried is kept for the report."""
        trial = self.bench.trial(self._merged(parts), self.first, self.share)
        self._record(parts, [trial.value], [self._value((), self.first)], trial.steps, trial.error)
        return trial.value if trial.error is None else math.inf

    def _hopeless(self, candidate: Candidate) -> bool:
        """Whether an earlier look at less of the training shows that a candidate fails, or does nothing and no finding is sure of it."""
        known = self.treatments.get(_key([candidate]))
        if known is None or known.effect is None:
            return known is not None
        return candidate.evidence < SURE and known.effect.gain < STIR * self.judge.scale

    def _bundle(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """What the findings call for, all at once: faults that hide each other can only be mended together."""
        chosen: list[Candidate] = []
        for candidate in pool:
            known = self.treatments.get(_key([candidate]))
            new = not any(candidate.clashes(part) for part in chosen) and not (known and known.error and not known.steps)
            if new and candidate.evidence >= BUNDLED and len(chosen) < PARTS:
                chosen.append(candidate)
        return chosen

    def _with(self, chosen: list[Candidate], candidate: Candidate) -> list[Candidate]:
        """The combination with the candidate in it, where it fits, has room and adds; otherwise as it was."""
        if len(chosen) == PARTS or any(candidate.clashes(part) for part in chosen):
            return chosen
        reach, threshold = self.reach(chosen, self.first), self._threshold(chosen, candidate)
        if reach < threshold:
            return chosen
        self.progress(f"together: {candidate.patch.why}")
        return [*chosen, candidate] if self._after(*chosen, candidate) < reach - threshold else chosen

    def _threshold(self, chosen: Sequence[Candidate], part: Candidate) -> float:
        """What a part must add to be worth its place: where no finding calls for it, more than where one does."""
        gain = self.judge.worth(self._value((), self.first)) - self._after(*chosen)
        absolute, relative = (self.judge.led_absolute, WORTH_ADDING) if part.led else (self.judge.blind_absolute, WORTH_ADDING_BLIND)
        return max(relative * gain, absolute * self.judge.scale)

    def _prune(self, chosen: list[Candidate]) -> list[Candidate]:
        """Leave each part out once; what is not missed goes."""
        for part in sorted(chosen, key=lambda c: c.evidence):
            rest = [candidate for candidate in chosen if candidate is not part]
            if rest and self._after(*chosen) > self._after(*rest) - self._threshold(rest, part):
                chosen = rest
        return chosen

    def _shares(self, chosen: Sequence[Candidate]) -> dict[str, float]:
        """What each fix contributes with the first seed: its Shapley value (Shapley 1953), the mean over all orders in which the
        fixes can be made of what it adds to those before it. Where the budget does not allow all subsets, what is lost without it."""
        parts, before = list(chosen), self.judge.worth(self._value((), self.first))

        def gain(subset: Iterable[Candidate]) -> float:
            kept = [part for part in parts if part in subset]
            return before - self.judge.worth(self._after(*kept)) if kept else 0.0

        try:
            return {part.fix.code: _shapley(part, parts, gain) for part in parts}
        except OutOfBudget:
            return {part.fix.code: (part is parts[0]) * gain(parts) for part in parts}

    def _best_so_far(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """When the budget runs out while exploring: the single fix that does best, where it holds."""
        known = [c for c in pool if self.bench.cost(c.patch, self.first, self.share) == 0 and _key([c]) in self.treatments]
        best = min(known, key=self._after, default=None)
        return [best] if best and self.holds([best]) else []

    def _score(self, candidate: Candidate, among: Sequence[Candidate]) -> float:
        """The gain as a share of the best one, and some more for evidence."""
        before = self.judge.worth(self._value((), self.first))
        top = before - min(self._after(each) for each in among)
        return (before - self._after(candidate)) / top + EVIDENCE * candidate.evidence if top > 0 else 0.0

    def _merged(self, parts: Sequence[Candidate]) -> Patch:
        return merge([part.patch for part in parts], self.bench.file.values) if parts else NOTHING

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
        """Keep the best-founded result of every combination: more seeds and more steps replace fewer, and what is proved replaces all."""
        effect: Effect | None = None if error else self.judge.effect(before, after)
        known = self.treatments.get(_key(parts))
        fewer = known and known.effect and effect and (known.verified, known.effect.seeds, known.steps) > (verified, effect.seeds, steps)
        if not parts or fewer:
            return
        value = statistics.fmean(after)
        self.treatments[_key(parts)] = Treatment(tuple(p.fix for p in parts), self._merged(parts), value, effect, steps, verified, error)


def _key(parts: Sequence[Candidate]) -> tuple[str, ...]:
    return tuple(text for part in parts for text in (part.fix.code, repr(part.patch.changes)))


def _doubled(begin: float, end: float) -> list[float]:
    shares = [begin]
    while shares[-1] < end:
        shares.append(min(2 * shares[-1], end))
    return shares


def _spread(pool: Sequence[Candidate]) -> list[Candidate]:
    """One patch of each fix before the second of any."""
    count: dict[int, int] = {}
    turns = []
    for candidate in pool:
        count[id(candidate.fix)] = count.get(id(candidate.fix), 0) + 1
        turns.append(count[id(candidate.fix)])
    return [pool[place] for place in sorted(range(len(pool)), key=lambda place: turns[place])]


def _shapley(part: Candidate, parts: Sequence[Candidate], gain: Callable[[Iterable[Candidate]], float]) -> float:
    others = [other for other in parts if other is not part]
    total = 0.0
    for size in range(len(parts)):
        weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(parts))
        total += weight * sum(gain([*subset, part]) - gain(subset) for subset in itertools.combinations(others, size))
    return total
