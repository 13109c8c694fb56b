"""The scaffold of a new assignment's folder, for any CSV."""
