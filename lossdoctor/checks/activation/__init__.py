"""Checks of what non-linearities do."""
