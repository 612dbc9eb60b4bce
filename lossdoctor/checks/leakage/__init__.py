"""Checks of what validation must not know."""
