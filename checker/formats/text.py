"""Make untrusted text safe to show, for the page, the terminal and the tables alike.

A notebook's author controls names, sources, outputs and error messages. They may hold terminal escapes that
repaint the screen, characters that reverse the reading direction, or ten megabytes of filler. This module replaces
such characters with visible marks, and cuts long text with a note of how much is missing.
"""

import re

SENTENCE = 1_000
"""Maximum number of characters shown of a sentence, a name or a value."""

BLOCK = 4_000
"""Maximum number of characters shown of a traceback or an output."""

_SMALL = re.compile(r"(Accuracy|An?|Cell|Column|In|Its|No|Of|The|There|Trained)\b")
"""First words that begin with a lower-case letter after a colon."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_REPLACED = (
    *range(0x80, 0xA0),  # C1 controls: a terminal may read them as the start of an escape
    *(0x061C, 0x200E, 0x200F),  # direction marks
    *range(0x2028, 0x202F),  # line separators, embeddings and overrides of direction
    *range(0x2066, 0x206A),  # isolates of direction
    *range(0xD800, 0xE000),  # lone surrogates: cannot be encoded
    *range(0xFDD0, 0xFDF0),  # noncharacters
    *(0xFEFF, 0xFFFE, 0xFFFF),
    *range(0xE0000, 0xE0080),  # tags: invisible text
)

_MARKS = (
    {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: "\N{SYMBOL FOR DELETE}"}
    | dict.fromkeys(_REPLACED, _REPLACEMENT)
)

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movement
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles, links
    r"|\x1b[ -/]*[0-Z\\^-~]"  # short escapes
)


def visible(text: str, limit: int = SENTENCE) -> str:
    """Return text with control, direction and other invisible characters replaced by marks, cut to ``limit``.

    Newlines and tabs are kept. Text that is too long keeps its beginning and its end, because the end of a
    traceback says more than its middle.
    """
    text = text.replace("\r\n", "\n")
    if len(text) > limit:
        head, tail = limit * 2 // 3, limit - limit * 2 // 3
        text = f"{text[:head]} […{len(text) - limit:,} characters left out…] {text[-tail:]}"
    return text.translate(_MARKS)


def one_line(text: str, limit: int = SENTENCE) -> str:
    """Return text as ``visible`` does, but on a single line and cut at its end."""
    line = " ".join(text[: limit * 2].translate(_MARKS).split())
    return line if len(line) <= limit and len(text) <= limit * 2 else f"{line[: limit - 1]}…"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number and its noun: "1 cell", "3,000 cells". ``many`` is an irregular plural."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def continued(sentence: str) -> str:
    """Return a sentence as it follows a colon: its first letter in lower case, unless its first word may be a name."""
    return sentence[:1].lower() + sentence[1:] if _SMALL.match(sentence) else sentence


def as_printed(text: str, limit: int = BLOCK) -> str:
    """Return text as a terminal would show it in the end: no colours, and the last state of each progress bar."""
    lines = _ESCAPE.sub("", text).replace("\b", "").replace("\r\n", "\n").split("\n")
    return visible("\n".join(_last_state(line) for line in lines), limit)


def _last_state(line: str) -> str:
    return next((state for state in reversed(line.split("\r")) if state), "")
