"""Metrics, splits and targets: what a score is, and of which rows. It may import ``wire``, records and errors."""
