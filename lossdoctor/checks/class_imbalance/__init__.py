"""Checks of classes of unequal size."""
