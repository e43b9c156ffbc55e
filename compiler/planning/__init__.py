"""Planning algorithms: plain Python on plain data."""
