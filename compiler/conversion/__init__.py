"""Conversions between dialects, one total conversion each."""
