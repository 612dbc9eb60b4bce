"""What the data of a probe config look like, as training sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lossdoctor.core.observation import (
    Baselines,
    Columns,
    Copies,
    Images,
    Labels,
    Mirrored,
    Overlap,
    Plan,
    Redundancy,
    Relation,
    Shift,
    StepTime,
    Targets,
    Tokens,
)

if TYPE_CHECKING:
    from lossdoctor.lab.workload import Workload


def columns(workload: Workload) -> Columns | None:
    """Each input feature of the training data.

    Absent: the inputs are no array of decimal numbers.
    """
    from lossdoctor.lab import observe

    return observe.columns(workload, workload.train)


def val_columns(workload: Workload) -> Columns | None:
    """Each input feature of the validation data.

    Absent: the validation inputs are no array of decimal numbers.
    """
    from lossdoctor.lab import observe

    return observe.columns(workload, workload.val)


def targets(workload: Workload) -> Targets | None:
    """The training targets, in the units of training.

    Absent: the targets are no array of numbers.
    """
    from lossdoctor.lab import observe

    return observe.targets(workload)


def labels(workload: Workload) -> Labels | None:
    """How many examples there are of each class.

    Absent: the targets are no class indices.
    """
    from lossdoctor.lab import observe

    return observe.labels(workload)


def overlap(workload: Workload) -> Overlap | None:
    """How many validation examples are training examples too.

    Absent: the examples are no arrays that could be compared.
    """
    from lossdoctor.lab import observe

    return observe.overlap(workload)


def likeness(workload: Workload) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """The correlation of each feature with the target [f], without its sign.

    Absent: the inputs are no complete table with several features and one target.
    """
    from lossdoctor.lab import observe

    return observe.likeness(workload)


def mirrored(workload: Workload) -> Mirrored | None:
    """What the mirror images of each class look like, where the config mirrors training pictures.

    Absent: the config does not, or the inputs are no pictures with a class each.
    """
    from lossdoctor.lab import observe

    return observe.mirrored(workload)


def relation(workload: Workload) -> Relation | None:
    """Whether the inputs tell anything of the targets, by a forest on a sample of the training data.

    Absent: the inputs are no table or images of decimal numbers with one target and at least 200 examples.
    """
    from lossdoctor.lab import observe

    return observe.relation(workload)


def shift(workload: Workload) -> Shift | None:
    """Whether validation inputs can be told from training inputs.

    Absent: the inputs are no decimal numbers in arrays of one shape, or one split has fewer than 60 examples.
    """
    from lossdoctor.lab import observe

    return observe.shift(workload)


def plan(workload: Workload) -> Plan:
    """What the config says of the training."""
    from lossdoctor.lab import observe

    return observe.plan(workload)


def copies(workload: Workload) -> Copies | None:
    """How many validation examples are all but copies of training examples.

    Absent: the inputs are no decimal numbers in arrays, or there are fewer than 50 examples.
    """
    from lossdoctor.lab import observe

    return observe.copies(workload)


def redundancy(workload: Workload) -> Redundancy | None:
    """Columns that repeat others, and columns that number the examples.

    Absent: the inputs are no complete table of decimal numbers with several features.
    """
    from lossdoctor.lab import observe

    return observe.redundancy(workload)


def images(workload: Workload) -> Images | None:
    """How the training images are stored.

    Absent: the inputs are no images.
    """
    from lossdoctor.lab import observe

    return observe.images(workload)


def tokens(workload: Workload) -> Tokens | None:
    """Padding and masked targets of sequences of tokens.

    Absent: the inputs are no sequences of whole numbers.
    """
    from lossdoctor.lab import observe

    return observe.tokens(workload)


def baselines(workload: Workload) -> Baselines | None:
    """What a linear model, a forest and nearest neighbours reach on the validation data.

    Absent: the data are no table or images with one target, or the loss is not one that these can be judged by.
    """
    from lossdoctor.lab import observe

    return observe.baselines(workload)


def pace(workload: Workload) -> StepTime | None:
    """How long a step waits for its batch.

    Absent: the data lie in memory.
    """
    from lossdoctor.lab import observe

    return observe.pace(workload)
