"""Several runs together: which is better beyond noise, where they part, what changed; and a run against healthy ones.

What two trainings of one recipe differ by, seed to seed, is not to be seen in a single log. It is estimated from its noise and
its fall, by constants fitted on trainings repeated with other seeds (``benchmarks/compare.py`` prints how well they hold on
tasks and nets they were not fitted on); several baselines show it themselves, and the two estimates are pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lossdoctor.compare.baselines import judge
from lossdoctor.compare.ranking import rank
from lossdoctor.compare.tracks import measured
from lossdoctor.core.comparison import Comparison
from lossdoctor.core.run import Run


def compare(runs: Sequence[Run], baselines: Sequence[Run] = ()) -> Comparison:
    """Rank the runs by what all of them log, validation before training, and judge each against the baselines."""
    ours, healthy = [measured(run) for run in runs], [measured(run) for run in baselines]
    ranking = rank(ours) if len(runs) > 1 else Comparison(tuple(runs))
    judgements = tuple(judge(each, healthy) for each in ours) if healthy else ()
    summary = judgements[0].summary if len(judgements) == 1 else ranking.summary
    return replace(ranking, judgements=judgements, summary=summary)
