"""Checks of an assignment that take seconds, before its reference is trained for all seeds.

They find faults in the first minute that would otherwise be reported at the end: a rule file that cannot be run, a
hand-out that passes, a reference that is no better than the baseline. The runs of hand-out and reference are kept, so
neither file is run again for the other seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from checker.assignment import folders
from checker.errors import AssignmentError
from checker.judge import runs
from checker.records.gathered import Gathered
from checker.records.report import Report
from checker.records.settings import ReferenceResults, RunSettings, Watch
from checker.records.verdicts import Outcome, RuleResult, Verdict
from checker.run import check, references, rules
from checker.run.rules import Exhibits
from checker.sandbox.boxes import Boxes

JOBS = 3
"""Jobs in which the reference is trained: for seeds of the grading, further ones, and those of self-checks."""
NO_RESULTS = ReferenceResults(scores={}, baselines={})


@dataclass(frozen=True)
class FirstSeed:
    """The reference's results for its first seed. ``seconds``: the time for its training; ``beside``: the time for the
    rest of that job, such as the start of TensorFlow."""

    seed: int
    results: ReferenceResults
    seconds: float
    beside: float

    @property
    def score(self) -> float:
        """The reference's score."""
        return self.results.scores[self.seed]

    @property
    def baseline(self) -> float:
        """The score of the baseline that decides."""
        return self.results.baselines[self.seed]

    def seconds_for(self, seeds: int) -> float:
        """Estimate the seconds that the trainings for this many seeds take, in a few jobs."""
        return JOBS * self.beside + seeds * self.seconds


def require_rules(settings: RunSettings) -> Sequence[RuleResult]:
    """Run the rules without any evidence, and return their results.

    Raises AssignmentError if the rule file, or a rule that needs no evidence, is broken.
    """
    assignment = settings.assignment
    nothing = Exhibits(assignment, settings.dataset.note, len(settings.dataset.labels), (), None, None, None, (), None)
    found = rules.run(Path(assignment.folder, folders.RULES), nothing)
    broken = [f"{rule.name}: {rule.rationale}" for rule in found if rule.outcome is Outcome.ERROR]
    if broken:
        raise AssignmentError(f"{assignment.folder}: rules break: {'; '.join(broken)}")
    return found


def require_work(settings: RunSettings, boxes: Boxes, watch: Watch) -> Report | None:
    """Return the report of the hand-out without any work; None if it has a trained network (``require_no_answer``).

    Raises AssignmentError if its verdict is not FAIL.
    """
    first, gathered = _hand_out(settings, boxes, watch)
    return None if runs.is_measured(gathered.evidence) else references.require_work(gathered, first, NO_RESULTS)


def require_no_answer(settings: RunSettings, seen: FirstSeed, boxes: Boxes, watch: Watch) -> None:
    """Raise AssignmentError if the hand-out has a network that reaches the bar for the first seed, and no rule fails.

    The other seeds decide whether a network below the bar is FAIL.
    """
    first, gathered = _hand_out(settings, boxes, watch)
    report = check.judge(gathered, first, seen.results)
    if report.verdict is not Verdict.FAIL and report.comparison is not None and report.comparison.reaches_bar:
        raise AssignmentError(
            f"{settings.assignment.folder}: the hand-out has a network that reaches the bar without any work.",
            references.TAKE_OUT,
        )


def _hand_out(settings: RunSettings, boxes: Boxes, watch: Watch) -> tuple[RunSettings, Gathered]:
    first = _first(settings)
    return first, references.examine(references.starter_submission(first), first, boxes, watch)


def reference(settings: RunSettings, boxes: Boxes, watch: Watch) -> FirstSeed:
    """Return the reference's results for its first seed.

    Raises AssignmentError if it could not be retrained, or fails a required rule.
    """
    first = _first(settings)
    gathered = references.examine(references.reference_submission(first), first, boxes, watch)
    results = references.of_reference(gathered, first, references.baseline_scores(first))
    references.require_rules(gathered, first, results)
    (run,), retraining = gathered.evidence.runs, gathered.evidence.retraining
    beside = max(0.0, retraining.wall_seconds - run.seconds) if retraining else 0.0
    return FirstSeed(run.seed, results, run.seconds, beside)


def _first(settings: RunSettings) -> RunSettings:
    return replace(settings, seeds=settings.seeds[:1], further=())
