"""checker: a ticking system for a deep-learning practical."""

__version__ = "0.1.0"
