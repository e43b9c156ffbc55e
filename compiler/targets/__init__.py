"""What -t can emit."""
