"""The draft of a new assignment's folder, for any CSV."""
