"""The environment of the page templates: the filters and names they can use, and how their output is made safe.

Every string that a template prints is made ``visible`` and escaped. Only markup that was built here passes
unchanged. The Content-Security-Policy allows the one style sheet and the one script by their hashes.
"""

import base64
import hashlib
import math
import re
from collections.abc import Collection
from functools import cache
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from checker.formats.text import BLOCK, as_printed, continued, counted, one_line, visible
from checker.judge import questions
from checker.report import choices, cohort, figures, made_labels, remarks, scatter, sentences, vocabulary, words
from checker.scoring.metrics import NONE

_CODE = re.compile("`([^`\n]{1,200})`")
_CELL = re.compile(r"\b[Cc]ell (?P<number>\d{1,6})\b(?!</a>)")

MOST = 20
"""Maximum number of rows of a list whose length depends on the student."""

NAME = 200
"""Maximum number of characters of a name."""


@cache
def environment() -> Environment:
    """Return the jinja2 environment that renders all report pages."""
    return with_templates_of("checker.report")


def with_templates_of(*packages: str) -> Environment:
    """Return an environment with the templates of these packages; for equal names, the first package's is used."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"block": _block, "name": _name, "heat": _heat, "relative": relative}
    made.filters |= {
        "agreement": sentences.agreement,
        "beside_the_bar": sentences.beside_the_bar,
        "as_trained": sentences.as_trained,
        "stated": sentences.stated,
        "continued": continued,
        "counted": counted,
        "difference": sentences.difference,
        "duration": words.duration,
        "failed": sentences.failed,
        "rules_in_words": sentences.rules_in_words,
        "stray": scatter.has_stray,
        "is_beyond": figures.is_beyond,
        "has_guess": cohort.has_guess,
        "file_name": sentences.file_name,
        "who": sentences.identity_words,
        "side_of_the_bar": sentences.side_of_the_bar,
        "size": words.size,
        "memory": words.memory,
        "left_out": sentences.left_out,
        "number": words.number,
        "metric": sentences.metric,
        "own_of": sentences.own_of,
        "has_strange_weights": sentences.has_strange_weights,
        "hollow": sentences.hollow,
        "labels_in_words": made_labels.as_traced,
        "score_note": sentences.score_note,
        "in_place_of_score": sentences.in_place_of_score,
        "shows_spread": figures.shows_spread,
        "says_nothing": sentences.says_nothing,
        "choices": choices.choices,
        "meaning": sentences.meaning,
        "curves_in_words": sentences.curves_in_words,
        "own_score": sentences.own_score,
        "own_shown": sentences.own_shown,
        "own_scores": sentences.own_scores,
        "unchecked": sentences.unchecked,
        "with_spread": sentences.with_spread,
        "without_inputs": sentences.without_inputs,
        "passed": sentences.passed,
        "percent": words.percent,
        "prose": prose,
        "probability": words.probability,
        "phase_rows": words.phase_rows,
        "scaler": words.scaler,
        "topic": sentences.topic,
    }
    made.filters |= {
        "adapted": remarks.adapted,
        "beyond_the_data": remarks.beyond_the_data,
        "confusions": remarks.confusions,
        "has_choice": remarks.has_choice,
        "has_other_labels": remarks.has_other_labels,
        "held_out_rows": remarks.held_out_rows,
        "label": remarks.label,
        "labels_compared": remarks.labels_compared,
        "lacking": remarks.lacking,
        "no_answer": remarks.no_answer,
        "own_unit": remarks.own_unit,
        "targets_in_words": remarks.targets_in_words,
        "with_errors": remarks.with_errors,
    }
    made.globals |= {
        "ENDINGS": vocabulary.ENDINGS,
        "FIRST": questions.FIRST,
        "FIGURES": vocabulary.FIGURES,
        "LOOPS": vocabulary.LOOPS,
        "NONE": NONE,
        "NOT_KNOWN": sentences.NOT_KNOWN,
        "OUTCOMES": vocabulary.OUTCOMES,
        "PRINTED": vocabulary.PRINTED,
        "ROW_KINDS": vocabulary.ROW_KINDS,
        "SOURCES": vocabulary.SOURCES,
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


def prose(text: str, cells: Collection[int] = ()) -> Markup:
    """Return a sentence with words between backticks as code, and links to the ``cells`` that the page shows."""
    safe = str(escape(visible(text)))
    safe = _CODE.sub(r"<code>\1</code>", safe).replace("`", "")  # a single backtick remains if code was cut
    linked = _CELL.sub(lambda found: _cell_link(found, cells), safe)
    return Markup(linked)  # noqa: S704  # escaped above; only our own elements were added


def _cell_link(found: re.Match[str], cells: Collection[int]) -> str:
    is_shown = found["number"].isascii() and int(found["number"]) in cells
    return f'<a href="#cell-{found["number"]}">{found[0]}</a>' if is_shown else found[0]


def _block(text: str) -> Markup:
    """Return a traceback or a program's output as a terminal would show it."""
    return Markup('<pre tabindex="0">{}</pre>').format(as_printed(text, BLOCK))


def _name(text: str) -> str:
    return one_line(text, NAME)


def _heat(rate: float) -> int:
    """Return the style sheet's heat level, 0 to 10, of a rate from 0 to 1; the square root makes small rates show."""
    return round(math.sqrt(rate) * 10)
