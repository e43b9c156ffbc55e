"""Compares two runs of one model operator by operator, to find where numbers part."""
