"""Keras objects as plain data, and back."""
