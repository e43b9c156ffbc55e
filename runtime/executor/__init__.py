"""Runs the graphs of an offline model: static ones task by task, dynamic ones node by node."""
