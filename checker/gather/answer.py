"""Chooses a file's answer among its networks and traces its inputs; a function of the file's run.

Rows are matched before the choice, because the choice depends on each network's own result in the student's run.
"""

from collections.abc import Sequence
from dataclasses import replace

from checker.gather import candidates, explanation, own_results, ranking, selection
from checker.gather.executed import Executed
from checker.gather.own_results import TASK_METRICS, Own
from checker.gather.rows import known_rows, sampling, tracing
from checker.gather.rows.matches import MatchedTables
from checker.gather.rows.matching import Matcher
from checker.gather.rows.preparation import ColumnSources
from checker.gather.rows.sources import Sources
from checker.gather.stages import Answered, Unanswered
from checker.keras_spec import kin
from checker.keras_spec.architectures import nonlinear_hidden_layers
from checker.records.capture import AsTrained, ModelCapture
from checker.records.evidence import OwnResult
from checker.records.job import Ending
from checker.records.settings import RunSettings
from checker.records.verdicts import Failure, Stage

MOST = 60
"""Maximum number of networks for the task that are ranked; the last ones are taken."""


def find(executed: Executed, settings: RunSettings) -> Answered | Unanswered:
    """Return a run's answer with its traced inputs, and each network's own result, or why there is no answer."""
    data, assignment = settings.dataset, settings.assignment
    outputs, names = assignment.data.outputs, (*assignment.data.features, assignment.data.target)
    matcher = Matcher(known_rows.of_dataset(data))
    fitting = candidates.for_the_task(executed.models, outputs, len(data.labels))[-MOST:]
    matches = {model.id: matcher.match(model, executed.arrays) for model in reversed(fitting)}
    answered = {of.model: of for of in executed.as_trained}
    owns = [_own(model, answered.get(model.id), matches[model.id], matcher, executed, settings) for model in fitting]
    metric = TASK_METRICS[assignment.task]
    leaky = {m.id for m in fitting if tracing.carries_label(m, matches[m.id], matcher, names)}
    honest = [own for own in owns if own.model.id not in leaky]
    trusted = [own.model.id for own in honest if _sets_a_measure(own.model)]
    ranked = honest or owns
    outdone = ranking.why_not(ranked, trusted, metric, assignment.bar.unit)
    outdone |= dict.fromkeys(leaky if honest else (), "an input gives the target away, and others do without")
    named = settings.answer_name
    folds = {group[-1].model.id: len(group) for group in ranking.folds_of(ranked)}
    chosen = selection.select(executed.models, executed.cells, outputs, len(data.labels), named, outdone, folds)
    results = tuple(own_results.result_of(own, answered.get(own.model.id), metric) for own in owns)
    answer = next((model for model in executed.models if model.id == chosen.chosen), None)
    if answer is None:
        failures = explanation.explain(executed, settings)
        return Unanswered(executed=executed, selection=chosen, failures=failures, own_results=results)
    others, columns = kin.of_same_kind(answer, fitting), _columns(settings, matcher)
    return Answered(
        executed=executed,
        selection=chosen,
        answer=answer,
        traced=tracing.trace(answer, executed.arrays, matcher, columns, names, assignment.data.classes, others),
        failures=_not_forgiven(executed),
        own_results=_with_random_rows(results, owns, answer, matcher),
    )


def _not_forgiven(executed: Executed) -> tuple[Failure, ...]:
    """Return the failures of a run that still count once the answer is trained.

    An early end of the run is forgiven: the evidence before it is judged. A protocol error is never forgiven.
    """
    if executed.execution.ending is Ending.NONSENSE:
        return executed.failures
    return tuple(failure for failure in executed.failures if failure.stage is not Stage.EXECUTING)


def _with_random_rows(
    results: Sequence[OwnResult], owns: Sequence[Own], answer: ModelCapture, matcher: Matcher
) -> tuple[OwnResult, ...]:
    """Return the results; the answer's also shows whether its training rows and its other rows look drawn at random.

    A network that never saw a part of the map scores worse there, which says nothing against its recipe.
    """
    own = next((own for own in owns if own.model.id == answer.id), None)
    if own is None or not own.trained.any() or not own.unseen.any():
        return tuple(results)
    both = (own.unseen, own.was_trained_on)
    is_random = all(sampling.are_alike(~of, of, matcher.features, matcher.labels) for of in both)
    return tuple(
        replace(of, unseen=replace(of.unseen, is_random=is_random)) if of.model == answer.id and of.unseen else of
        for of in results
    )


def _columns(settings: RunSettings, matcher: Matcher) -> ColumnSources:
    """Return the data set's columns, once without the target and once with it."""
    data, source = settings.dataset, settings.assignment.data
    words = {name: column for name, column in data.words.items() if name != source.target}
    all_names = (*source.features, source.target)[: matcher.features.shape[1]]
    honest = Sources(source.features, data.features, words)
    return ColumnSources(honest, Sources(all_names, matcher.features, data.words), source.target)


def _sets_a_measure(model: ModelCapture) -> bool:
    """Tell whether a network can be rebuilt and is not linear."""
    can_be_rebuilt = not model.unrebuildable and all(fit.phase is not None for fit in model.fits if fit.finished)
    return can_be_rebuilt and model.architecture is not None and bool(nonlinear_hidden_layers(model.architecture))


def _own(
    model: ModelCapture,
    answered: AsTrained | None,
    matched: MatchedTables,
    matcher: Matcher,
    executed: Executed,
    settings: RunSettings,
) -> Own:
    labels, fed = settings.dataset.labels, tracing.labels_fed(model.fits[-1], executed.arrays, matched)
    names = own_results.class_names(fed, labels, len(settings.assignment.data.classes))
    scale = tracing.target_scale(model, executed.arrays, matched, labels)
    others = matcher.others(matched)
    return own_results.own_of(model, answered, executed.arrays, matched, others, labels, names, scale)
