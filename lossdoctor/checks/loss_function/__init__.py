"""Checks of the loss function."""
