"""What the tasks of an offline model wait for, and where what they read and write is kept."""
