"""What was handed in, read as a notebook and repaired where only one meaning is possible."""
