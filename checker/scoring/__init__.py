"""Metrics, splits and targets: a score and its rows. It may import ``wire``, records and errors."""
