"""Checks of the batch size."""
