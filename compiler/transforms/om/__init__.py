"""Passes within the om dialect."""
