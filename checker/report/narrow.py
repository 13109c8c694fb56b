"""Words that fit a number of terminal columns. A character of East Asian scripts takes two."""

from rich.cells import cell_len, set_cell_size

from checker.formats.text import one_line

CUT = "…"


def cut(words: str, width: int) -> str:
    """Return words on one line, cut at the end."""
    line = one_line(words)
    return line if cell_len(line) <= width else f"{_first(line, width - 1)}{CUT}"


def shortened(name: str, width: int) -> str:
    """Return a name on one line, cut in the middle: long names often differ only at their ends."""
    line = one_line(name)
    if cell_len(line) <= width:
        return line
    tail = (width - 1) // 2
    return f"{_first(line, width - 1 - tail)}{CUT}{_first(line[::-1], tail)[::-1]}"


def padded(words: str, width: int) -> str:
    """Return words with blanks behind them."""
    return words + " " * (width - cell_len(words))


def _first(line: str, width: int) -> str:
    return set_cell_size(line, max(width, 0)).rstrip()
