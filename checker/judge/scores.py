"""A submission's scores on held-out rows, beside those of the reference and the baselines. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import replace

from checker.judge import comparison
from checker.judge.missing_rows import known_rows, missing_rows, on_known_rows, strict_standing
from checker.judge.runs import is_measured, predictions, true_labels
from checker.records.assignment import Bar
from checker.records.comparison import Comparison, Likeness, MissingRows
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.training import TrainingRun
from checker.scoring import metrics
from checker.scoring.held_out import held_out_rows


def compare(gathered: Gathered, settings: RunSettings, reference: ReferenceResults) -> Comparison | None:
    """Compare a submission's scores with the reference's; None if it was not retrained, or some seed holds out only
    rows without inputs.

    Held-out rows are rows of the data. Those without inputs in a submission are left out for everyone.

    Further seeds count only if the first ones cannot decide, because they may have been trained under another
    tolerance.
    """
    evidence = gathered.evidence
    if not is_measured(evidence):
        return None
    known = known_rows(gathered, settings)
    if not all(known[held_out_rows(run.seed, settings)].any() for run in evidence.runs):
        return None
    missing = missing_rows(known, settings, reference)
    first = [run for run in evidence.runs if run.seed in settings.seeds]
    bar = settings.assignment.bar
    compared = _compare(first, gathered, settings, reference, bar, missing)
    further = len(evidence.runs) - len(first)
    if evidence.replayed and len(evidence.runs) == 1:  # it decides only whether further replays follow
        return replace(compared, band=0.0, standard_error=0.0)
    if compared.is_open and further:
        compared = _compare(evidence.runs, gathered, settings, reference, bar, missing, further)
    return compared


def bar_on_all_rows(settings: RunSettings, reference: ReferenceResults) -> float | None:
    """Return the bar of a network with inputs for all rows, trained from the first seeds; None if a score of the
    reference or of the baseline is missing for one of them."""
    bar, known = settings.assignment.bar, (reference.scores, reference.baselines)
    if not all(seed in of for of in known for seed in settings.seeds):
        return None
    theirs, base = (statistics.fmean(of[seed] for seed in settings.seeds) for of in known)
    return metrics.find(bar.metric, bar.unit).bar(bar, theirs, base)


def _compare(
    runs: Sequence[TrainingRun],
    gathered: Gathered,
    settings: RunSettings,
    reference: ReferenceResults,
    bar: Bar,
    missing: MissingRows | None,
    further: int = 0,
) -> Comparison:
    known = known_rows(gathered, settings)
    is_on_fewer = missing is not None and missing.likeness is not Likeness.UNKNOWN
    on_known = on_known_rows(reference, known, settings) if is_on_fewer else reference
    compared = comparison.compare(
        runs,
        {run.seed: predictions(gathered, run, settings) for run in runs},
        {run.seed: true_labels(gathered, run, settings) for run in runs},
        on_known.scores,
        on_known.baselines,
        bar,
        settings.assignment.splits,
        len(settings.assignment.data.classes),
        further,
    )
    if missing is not None and missing.likeness is Likeness.UNLIKE:
        missing = replace(missing, strict=strict_standing(runs, gathered, settings, reference, bar, known, further))
    placed = comparison.placed(on_known.all_baselines, [run.seed for run in runs])
    return replace(compared, baselines=placed, missing=missing)
