"""Planners that need no language model."""
