"""Checks of learning rate."""
