"""What was recorded elsewhere, read from a file and taken into the history."""
