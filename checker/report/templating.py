"""The environment of the page templates: the filters and names they can use, and how their output is made safe.

Every string that a template prints is made ``visible`` and escaped. Only markup that was built here passes
unchanged. The Content-Security-Policy allows the one style sheet and the one script by their hashes.
"""

import base64
import hashlib
import math
import re
from functools import cache
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from checker.formats.text import BLOCK, as_printed, counted, one_line, visible
from checker.judge import blame
from checker.report import sentences, vocabulary, words

MOST = 20
"""Most rows of a list whose length the student decides."""

NAME = 200
"""Most characters of a name."""

CODE = re.compile(r"`([^`\n]+)`")
"""Code in a sentence of ours."""


@cache
def environment() -> Environment:
    """Return the jinja2 environment that renders all pages."""
    made = Environment(
        loader=PackageLoader("checker.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"block": _block, "coded": _coded, "name": _name, "heat": _heat, "relative": relative}
    made.filters |= {
        "agreement": sentences.agreement,
        "as_trained": sentences.as_trained,
        "by_urgency": sentences.by_urgency,
        "counted": counted,
        "difference": sentences.difference,
        "duration": words.duration,
        "failed": sentences.failed,
        "file_name": sentences.file_name,
        "who": sentences.identity_words,
        "size": words.size,
        "left_out": sentences.left_out,
        "number": words.number,
        "metric": sentences.metric,
        "own_of": sentences.own_of,
        "own_score": sentences.own_score,
        "own_scores": sentences.own_scores,
        "without_inputs": sentences.without_inputs,
        "percent": words.percent,
        "probability": words.probability,
        "phase_rows": words.phase_rows,
        "scaler": words.scaler,
        "target_scale": words.target_scale,
    }
    made.globals |= {
        "CAUSES": vocabulary.CAUSES,
        "ENDINGS": vocabulary.ENDINGS,
        "FIGURES": vocabulary.FIGURES,
        "LOOPS": vocabulary.LOOPS,
        "MARK": vocabulary.MARK,
        "MEANING": vocabulary.MEANING,
        "OUTCOMES": vocabulary.OUTCOMES,
        "SOURCES": vocabulary.SOURCES,
        "VERDICTS": blame.VERDICTS,
        "MOST": MOST,
    }
    for file, kind in (("style.css", "style"), ("index.css", "index_style"), ("index.js", "script")):
        made.globals |= _hashed(made, file, kind)
    return made


def relative(path: str) -> str:
    """Return a path as a URL relative to the page: never a scheme, never another host."""
    return "./" + quote(path, errors="replace")


def _hashed(made: Environment, file: str, kind: str) -> dict[str, str]:
    source = escape(made.get_template(file).module)
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return {kind: source, f"{kind}_hash": f"sha256-{digest}"}


def _finalize(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    """Return a traceback or a program's output as a terminal would show it."""
    return Markup('<pre tabindex="0">{}</pre>').format(as_printed(text, BLOCK))


def _coded(text: str) -> Markup:
    """Return a sentence in which what stands in backticks is shown as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(visible(text)))))  # noqa: S704  # escaped, but for our tags


def _name(text: str) -> str:
    return one_line(text, NAME)


def _heat(rate: float) -> int:
    """Return the style sheet's heat level, 0 to 10, of a rate from 0 to 1; the square root makes small rates show."""
    return round(math.sqrt(rate) * 10)
