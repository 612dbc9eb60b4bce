"""Checks of normalization layers."""
