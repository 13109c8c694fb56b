"""The surroundings of the page templates: what they can call, and how everything they print is made safe.

Whatever a template prints is made ``visible`` and escaped; only markup that was built here passes as it is.
The one style sheet and the one script are named by their hashes, for the Content-Security-Policy.
"""

import base64
import hashlib
import math
from functools import cache
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from checker.formats.text import BLOCK, as_printed, counted, one_line, visible
from checker.judge import blame
from checker.report import words

MOST = 20
"""Rows of a list whose length the student decides."""

NAME = 200
"""Characters of a name."""


@cache
def environment() -> Environment:
    """Return the jinja2 environment that all pages are made in."""
    made = Environment(
        loader=PackageLoader("checker.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"block": _block, "name": _name, "heat": _heat, "relative": relative}
    made.filters |= {
        "agreement": words.agreement,
        "as_trained": words.as_trained,
        "by_urgency": words.by_urgency,
        "counted": counted,
        "difference": words.difference,
        "duration": words.duration,
        "failed": words.failed,
        "file_name": words.file_name,
        "who": words.who,
        "size": words.size,
        "left_out": words.left_out,
        "number": words.number,
        "metric": words.metric,
        "own_of": words.own_of,
        "own_score": words.own_score,
        "own_scores": words.own_scores,
        "without_inputs": words.without_inputs,
        "percent": words.percent,
        "probability": words.probability,
        "phase_rows": words.phase_rows,
        "scaler": words.scaler,
        "target_scale": words.target_scale,
    }
    made.globals |= {
        "CAUSES": words.CAUSES,
        "ENDINGS": words.ENDINGS,
        "FIGURES": words.FIGURES,
        "LOOPS": words.LOOPS,
        "MARK": words.MARK,
        "MEANING": words.MEANING,
        "OUTCOMES": words.OUTCOMES,
        "SOURCES": words.SOURCES,
        "VERDICTS": blame.VERDICTS,
        "MOST": MOST,
    }
    for file, kind in (("style.css", "style"), ("index.js", "script")):
        made.globals |= _hashed(made, file, kind)
    return made


def relative(path: str) -> str:
    """Return a path as a URL that stays beside the page: never a scheme, never another host."""
    return "./" + quote(path, errors="replace")


def _hashed(made: Environment, file: str, kind: str) -> dict[str, str]:
    source = escape(made.get_template(file).module)
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return {kind: source, f"{kind}_hash": f"sha256-{digest}"}


def _finalize(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    """Return a traceback or a program's output as a terminal would have shown it."""
    return Markup('<pre tabindex="0">{}</pre>').format(as_printed(text, BLOCK))


def _name(text: str) -> str:
    return one_line(text, NAME)


def _heat(rate: float) -> int:
    """Return a rate from 0 to 1 as one of the style sheet's ten degrees of heat; small rates show too."""
    return round(math.sqrt(rate) * 10)
