"""Changes between the reports on two files of the same student: verdict, score, rules, network, training, inputs.

Both reports may lack their bulk, as those in ``results.json`` do.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from checker.formats.text import counted, one_line
from checker.keras_spec.architectures import describe_layer, in_order
from checker.records.changes import Change, Part
from checker.records.comparison import Comparison
from checker.records.network import Recipe
from checker.records.report import Report
from checker.records.tracing import Tracing
from checker.records.verdicts import Outcome, RuleResult
from checker.report.sentences import metric
from checker.report.words import phase_rows, scaler

LONGEST = 200
"""Maximum number of characters of a student's words in a sentence."""
MOST = 30
"""Maximum number of changes of one part."""
NOW = {
    Outcome.PASSED: "Met now: {}",
    Outcome.FAILED: "Not met now: {}",
    Outcome.SKIPPED: "Does not apply now: {}",
    Outcome.ERROR: "Could not be checked now: {}",
    Outcome.UNKNOWN: "Could not be checked now: {}",
}


def between(before: Report, after: Report) -> tuple[Change, ...]:
    """Return the changes from one report to the next; () if both are on the same work."""
    parts = {
        Part.VERDICT: _verdict(before, after),
        Part.SCORE: _score(before, after),
        Part.RULES: _rules(before, after),
        Part.NETWORK: _network(before, after),
        Part.TRAINING: _training(before, after),
        Part.INPUTS: _inputs(before, after),
    }
    return tuple(Change(part, sentence) for part, found in parts.items() for sentence in _first(list(found)))


def _first(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - MOST
    return [*sentences[:MOST], *([f"… and {counted(more, 'more change')}."] if more > 0 else [])]


def _verdict(before: Report, after: Report) -> Iterator[str]:
    if before.verdict is not after.verdict:
        yield f"{before.verdict} before, {after.verdict} now."


def _score(before: Report, after: Report) -> Iterator[str]:
    old, new = _measured(before.comparison), _measured(after.comparison)
    if old != new:
        yield f"{old[:1].upper()}{old[1:]} before, {new} now."


def _measured(compared: Comparison | None) -> str:
    if compared is None:
        return "no score"
    return f"{metric(compared).name} {metric(compared).unit.plus_minus(compared.mean, compared.spread)}"


def _rules(before: Report, after: Report) -> Iterator[str]:
    """Yield changes of rules, except rules that a report leaves out because they follow from a cause."""
    known = {rule.name: rule for rule in before.rules}
    for rule in after.rules:
        if rule.name in known and known[rule.name].outcome is not rule.outcome:
            yield NOW[rule.outcome].format(one_line(_asked(rule), LONGEST))


def _asked(rule: RuleResult) -> str:
    return rule.finding.removeprefix("Not met: ") if rule.outcome is Outcome.FAILED else rule.sentence


def _network(before: Report, after: Report) -> Iterator[str]:
    old, new = _layers(before), _layers(after)
    if not old or not new:
        if bool(old) != bool(new):
            yield "No network that can be rebuilt before, one now." if new else "No network that can be rebuilt now."
        return
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = " - ".join(old[a:b]), " - ".join(new[c:d])
        if kind == "replace":
            pairs = zip(old[a:b], new[c:d], strict=True) if b - a == d - c else [(gone, come)]
            yield from (one_line(f"{was} became {now}.", LONGEST) for was, now in pairs)
        elif kind == "delete":
            yield one_line(f"Without {gone}.", LONGEST)
        elif kind == "insert":
            yield one_line(f"New: {come}.", LONGEST)


def _layers(report: Report) -> list[str]:
    architecture = report.answer.architecture if report.answer else None
    return [describe_layer(layer) for layer in in_order(architecture)] if architecture else []


def _training(before: Report, after: Report) -> Iterator[str]:
    if before.recipe is None or after.recipe is None:
        return
    old, new = _rows(before.recipe, before.classes), _rows(after.recipe, after.classes)
    for name in dict.fromkeys([*old, *new]):
        was, now = (one_line(rows.get(name, "none"), LONGEST) for rows in (old, new))
        if was != now:
            yield f"{name}: {was} before, {now} now."


def _rows(recipe: Recipe, classes: Sequence[str]) -> dict[str, str]:
    """Return the settings of a training by name; those of later phases with the phase's number."""
    rows = {
        f"{name}, phase {at}" if at > 1 else name: value
        for at, phase in enumerate(recipe.phases, 1)
        for name, value in phase_rows(phase, classes)
    }
    watched = "only training rows" if recipe.watched_itself else "yes"
    return rows | {"Phases": str(len(recipe.phases)), "Development set": watched if recipe.development else "none"}


def _inputs(before: Report, after: Report) -> Iterator[str]:
    if before.tracing is None or after.tracing is None:
        return
    old, new = _scaling(before.tracing), _scaling(after.tracing)
    if gone := [name for name in old if name not in new]:
        yield one_line(f"Without the {'input' if len(gone) == 1 else 'inputs'} {', '.join(gone)}.", LONGEST)
    if come := [name for name in new if name not in old]:
        yield one_line(f"New {'input' if len(come) == 1 else 'inputs'}: {', '.join(come)}.", LONGEST)
    for name in old:
        if name in new and old[name] != new[name]:
            yield f"{name}: {old[name]} before, {new[name]} now."


def _scaling(traced: Tracing) -> dict[str, str]:
    """Return how each input is scaled, in words."""
    return {
        one_line(column.formula or column.source, LONGEST) or f"column {at}": scaler(column.scaler)
        if column.scaler
        else "as it is"
        for at, column in enumerate(traced.columns, 1)
    }
