"""Checks of numbers that are none."""
