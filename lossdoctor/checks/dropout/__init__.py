"""Checks of dropout."""
