"""Checks of the optimizer and its arguments."""
