"""Checks of the weights before training."""
