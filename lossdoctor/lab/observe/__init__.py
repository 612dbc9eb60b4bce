"""Measuring a workload: its data, its untrained model, and a few steps of models built for the purpose and then forgotten.

Nothing here draws a conclusion, and nothing changes what a training would have been: every measurement runs inside
``untouched``, on models of its own. ``data`` holds what is known without the model, ``model`` what its untrained weights
show, ``steps`` the short trainings and ``rates`` the range test; ``common`` is what they share, ``budget`` how long they may be.
"""

from lossdoctor.lab.observe.common import EXAMPLES, examples, fresh, measurement, untouched
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
from lossdoctor.lab.observe.rates import range_test
from lossdoctor.lab.observe.steps import augmentation, blind, one_batch, short_run

__all__ = [
    "EXAMPLES",
    "augmentation",
    "baselines",
    "blind",
    "columns",
    "computable",
    "copies",
    "examples",
    "forward_pass",
    "fresh",
    "gradients",
    "images",
    "labels",
    "likeness",
    "measurement",
    "mirrored",
    "one_batch",
    "output",
    "overlap",
    "plan",
    "range_test",
    "redundancy",
    "relation",
    "shift",
    "short_run",
    "start",
    "targets",
    "tokens",
    "untouched",
]
