"""The baselines of early stopping in the diagnosis benchmark stop what they are said to stop."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import rules

FALLING = 1 / np.arange(1, 31.0)
RISING = np.concatenate([FALLING[:10], FALLING[9] * 1.03 ** np.arange(20)])


@pytest.mark.parametrize(("val", "stops"), [(FALLING, False), (RISING, True)])
def test_a_loss_that_rises_is_stopped_and_one_that_falls_is_not(val: np.ndarray, stops: bool) -> None:
    assert rules.patience(val, 0.25) is stops
    assert rules.generalization_loss(val, 5) is stops
    assert rules.productivity_quotient(val, FALLING, 0.5) is stops
    assert rules.successive_rises(val, 3) is stops


def test_the_productivity_quotient_waits_while_the_training_loss_still_falls() -> None:
    """Prechelt 1998: overfitting is borne as long as training makes fast progress."""
    fast = np.exp(-np.arange(30.0))
    assert rules.productivity_quotient(RISING, np.full(30, 0.5), 0.75)
    assert not rules.productivity_quotient(RISING, fast, 0.75)


def test_a_loss_that_is_no_number_is_stopped() -> None:
    lost = np.where(np.arange(30) < 15, FALLING, np.nan)
    assert rules.generalization_loss(lost, 5)
    assert rules.productivity_quotient(lost, FALLING, 0.75)
    assert rules.successive_rises(lost, 3)
