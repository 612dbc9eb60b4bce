"""Checks of the size of the model."""
