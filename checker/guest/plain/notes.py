"""The type of what takes notes for the report."""

from collections.abc import Callable

Note = Callable[[str], None]
"""Takes a sentence for the report, such as which setting was translated."""
