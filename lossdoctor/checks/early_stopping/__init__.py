"""Checks of stopping at the right step."""
