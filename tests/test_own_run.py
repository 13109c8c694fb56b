"""A diverged retraining fails only if the network had not learned the task in the notebook either."""

import missing
import numpy as np
from missing import ROWS, SEEDS, gathered_of, reference_of

from checker.judge import own_run
from checker.records.evidence import OwnResult, OwnScore, RowKind
from checker.records.verdicts import Failure, FailureCause, Stage

settings = missing.settings
GOOD = {"accuracy": 0.91, "rmse": 60_000.0}
POOR = {"accuracy": 0.55, "rmse": 150_000.0}


def diverged(settings, make, score):
    """Return the failures of a submission with this score in the notebook, whose retraining ended in NaN."""
    metric = settings.assignment.bar.metric
    gathered = gathered_of(settings, make, np.ones(ROWS, bool))
    own = OwnResult(
        model=1,
        cell=5,
        metric=metric,
        scores=(OwnScore(kinds=(RowKind.TRAINED,), rows=3_000, score=score, deviation=0.01),),
    )
    failure = Failure(
        stage=Stage.RETRAINING,
        cause=FailureCause.DIVERGED,
        rationale="The loss became NaN.",
        help="Look for missing values.",
    )
    evidence = make.evidence(
        failures=(failure,),
        models=gathered.evidence.models,
        selection=gathered.evidence.selection,
        runs=gathered.evidence.runs,
        own_results=(own,),
    )
    wild = {run.predictions.sha256: np.full((1, 1), np.nan) for run in evidence.runs[:2]}
    return own_run.failures(type(gathered)(evidence, {**gathered.arrays, **wild}), settings, reference_of(settings))


def test_what_had_learned_in_the_notebook_is_referred(settings, make):
    """If a network reaches the bar in the notebook, and some retrainings end in NaN, it is referred with both
    figures."""
    (failure,) = diverged(settings, make, GOOD[settings.assignment.bar.metric])
    assert failure.cause is FailureCause.DIVERGED_AFTER_LEARNING
    assert f"2 of {len(SEEDS)} retrainings ended in NaN" in failure.rationale
    assert ("91.0" if settings.assignment.data.classes else "60,000") in failure.rationale


def test_what_had_not_learned_either_fails(settings, make):
    """A network that is below the bar in the notebook too fails, with advice."""
    (failure,) = diverged(settings, make, POOR[settings.assignment.bar.metric])
    assert failure.cause is FailureCause.DIVERGED
    assert failure.rationale == "The loss became NaN."
