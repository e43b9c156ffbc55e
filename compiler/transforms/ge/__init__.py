"""Passes over graphs of GraphEngine nodes."""
