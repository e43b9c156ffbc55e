"""Readers: from files to the IR."""
