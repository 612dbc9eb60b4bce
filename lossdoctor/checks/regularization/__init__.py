"""Checks of generalization."""
