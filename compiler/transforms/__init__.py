"""Passes within a dialect, one file each."""
