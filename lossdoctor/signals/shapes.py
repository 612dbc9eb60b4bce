"""The shapes of the loss curves of a run."""

from __future__ import annotations

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape, shape


def judged(judged_loss: Curve) -> Shape:
    """The shape of the series that the status is about."""
    return shape(judged_loss)


def train_shape(train_loss: Curve) -> Shape | None:
    """The shape of the training loss.

    Absent: the training loss has no finite value.
    """
    return _shape(train_loss)


def val_shape(val_loss: Curve) -> Shape | None:
    """The shape of the validation loss.

    Absent: the validation loss has no finite value.
    """
    return _shape(val_loss)


def _shape(curve: Curve) -> Shape | None:
    finite = curve.finite
    return shape(finite) if len(finite) else None
