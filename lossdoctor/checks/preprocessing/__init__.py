"""Checks of the inputs and targets."""
