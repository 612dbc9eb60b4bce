"""Measuring a workload: its data, its untrained model, and a few steps of models built for the purpose and then forgotten.

Nothing here draws a conclusion, and nothing changes what a training would have been: every measurement runs inside
``untouched``, on models of its own.

``data`` holds what is known without the model (by ``forest``, ``duplicates`` and ``simple_models``), ``model`` what its untrained
weights show (on a ``tape`` of its operations), ``response`` what the loss answers; ``one_step`` looks at a single step, ``steps`` at
short trainings, ``rates`` at the range of learning rates. ``common`` is what they share, ``budget`` how long they may be.
"""

from lossdoctor.lab.observe.data import (
    baselines,
    columns,
    copies,
    images,
    labels,
    likeness,
    mirrored,
    overlap,
    plan,
    redundancy,
    relation,
    shift,
    targets,
    tokens,
)
from lossdoctor.lab.observe.model import computable, forward_pass, gradients, output, start
from lossdoctor.lab.observe.one_step import curvature, independence, pace
from lossdoctor.lab.observe.rates import range_test
from lossdoctor.lab.observe.response import reach, reward, target_influence
from lossdoctor.lab.observe.steps import augmentation, blind, one_batch, short_run

__all__ = [
    "augmentation",
    "baselines",
    "blind",
    "columns",
    "computable",
    "copies",
    "curvature",
    "forward_pass",
    "gradients",
    "images",
    "independence",
    "labels",
    "likeness",
    "mirrored",
    "one_batch",
    "output",
    "overlap",
    "pace",
    "plan",
    "range_test",
    "reach",
    "redundancy",
    "relation",
    "reward",
    "shift",
    "short_run",
    "start",
    "target_influence",
    "targets",
    "tokens",
]
