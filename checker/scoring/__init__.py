"""Metrics, splits and targets: the definition of a score, and of its rows. It may import ``wire``, records and
errors."""
