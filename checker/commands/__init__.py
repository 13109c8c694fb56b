"""The commands, one in each module, and the modules they share. ``app`` puts them together.

This package may import every other one but ``guest``.
"""
