"""Where commands print: one console for results, and one for warnings and errors.

Use them through the module (``consoles.output.print``), so that a test can put another console in their place.
"""

from rich.console import Console

from checker.formats import text

output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def warn(words: str, style: str = "yellow", soft_wrap: bool = False) -> None:
    """Print a warning. Its words may quote names that others chose, so they are made safe to show."""
    errors.print(text.as_printed(words), style=style, markup=False, soft_wrap=soft_wrap)
