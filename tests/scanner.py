"""Scan a page for words and parts that no page may have; ``python tests/scanner.py PAGE...`` prints what it finds."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

QUIET = {"pre", "code", "style", "script", "title", "bdi"}
"""Elements whose text is code, or a student's."""
NOUNS = "submissions|rows|seeds|cells|epochs|columns|inputs|outputs|units|files|questions|trainings|networks|errors"
FAULTS = {
    "a finding said as a denial": r"\bNot so\b",
    "a double full stop": r"(?<!\.)\.\.(?!\.)|\.\s+\.|[!?:;,]\.",
    "a literal backtick": "`",
    "one of many": rf"(?<![\d,.])1 (?:more )?(?:{NOUNS})\b",
    "a setting that nobody made": r"\bema_momentum\b",
}


class _Parts(HTMLParser):
    """Text of a page outside code, and the text of each of its sections below the heading."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.stack: list[str] = []
        self.open: list[tuple[str, list[str]]] = []
        self.empty: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "img", "input", "br", "path", "circle", "rect", "line"):
            self._said(tag) if tag in ("img", "path") else None
            return
        self.stack.append(tag)
        if tag in ("section", "details"):
            self.open.append((tag, []))
        if tag in ("p", "li", "td", "th", "dd", "dt", "h1", "h2", "h3", "summary"):
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.stack:
            return
        while self.stack.pop() != tag:
            pass
        if tag in ("section", "details"):
            kind, said = self.open.pop()
            if not "".join(said).strip():
                self.empty.append(kind)
            self._said("".join(said))

    def handle_data(self, data: str) -> None:
        if not {"h2", "h3", "summary"} & set(self.stack):
            self._said(data)
        if not QUIET & set(self.stack):
            self.text += data
        elif self.stack and self.stack[-1] in QUIET:
            self.text += "x"

    def _said(self, words: str) -> None:
        if self.open:
            self.open[-1][1].append(words)


def faults(source: str) -> list[str]:
    """Return what is wrong with a page's words and parts, with the words around each fault."""
    page = _Parts(source)
    text = re.sub(r"[ \t]+", " ", page.text)
    found = [
        f"{name}: {text[max(0, one.start() - 60) : one.end() + 40]!r}"
        for name, pattern in FAULTS.items()
        for one in re.finditer(pattern, text)
    ]
    return found + [f"an empty {kind}" for kind in page.empty]


if __name__ == "__main__":
    lines = [f"{path}: {fault}" for path in sys.argv[1:] for fault in faults(Path(path).read_text(encoding="utf-8"))]
    print("\n".join(lines))
    sys.exit(bool(lines))
