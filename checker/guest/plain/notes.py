"""Notes for the report on adaptations made while a submission ran."""

import functools
from collections.abc import Callable
from typing import Any

Note = Callable[[str], None]
"""Takes a sentence for the report, such as which setting was translated."""


def noted(function: Callable[..., Any], words: str, note: Note) -> Callable[..., Any]:
    """Return a function that notes these words whenever it is called."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        note(words)
        return function(*args, **kwargs)

    return wrapper
