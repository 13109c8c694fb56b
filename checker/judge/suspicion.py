"""Checks whether a network's inputs may give the answer away. Pure."""

from checker.judge import comparison, leaks
from checker.records.comparison import Comparison
from checker.records.gathered import Gathered
from checker.records.settings import RunSettings
from checker.scoring import metrics
from checker.scoring.metrics import METRICS

SUSPECTED = "inputs may give the answer away"
"""The words that every suspicion contains."""


def suspicion(gathered: Gathered, compared: Comparison | None, settings: RunSettings) -> str:
    """Return the suspicion that the inputs give the answer away, as a sentence; "" if there is none.

    Only a network that reaches the bar is suspected, and only if some input is not computed from the data's own
    columns. If all are, no accuracy is too good.
    """
    traced = gathered.evidence.tracing
    if compared is None or traced is None or not compared.reaches_bar:
        return ""
    suspects, leak = leaks.unexplained(traced.columns), None
    if not suspects:
        return ""
    if traced.rows is not None and traced.features is not None:
        rows, inputs = gathered.array(traced.rows), gathered.array(traced.features)
        metric, data = METRICS[compared.metric], settings.dataset
        of = (inputs, data.features[rows], data.labels[rows], suspects)
        leak = leaks.find(*of, metric.measure, metric.error)
    if leak is None and not comparison.is_implausible(compared):
        return ""
    columns = leak.columns if leak else ()
    which = " and ".join(str(at + 1) for at in columns)
    over = f": columns {which} together" if len(columns) > 1 else f": column {which}" if columns else ""
    said = f"Its {SUSPECTED}{over}."
    if leak is None:
        return said
    write = metrics.find(compared.metric, compared.unit).unit.value
    return (
        f"{said} A random forest reaches {write(leak.without)} with the data's own columns, and {write(leak.beside)} "
        "with this network's other inputs added."
    )
