"""Checks of the log itself."""
