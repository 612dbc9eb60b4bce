"""Checks of parameters that do not move."""
