"""Questions for a student without a trained network, about how to solve the task."""

from checker.judge.questions.view import Details, View, about, short
from checker.records.evidence import Rejected
from checker.records.report import Figure


def plan_data(view: View) -> Details | None:
    """There is no answer."""
    return _plan(view)


def built_network(view: View) -> Details | None:
    """There is no answer, but a network that was never trained."""
    built = view.built
    return about(built.cell, variable=_variable(built), outputs=_outputs(view)) if built else None


def built_loss(view: View) -> Details | None:
    """There is no answer, but a network that was compiled and never trained."""
    built, place = view.built, view.find(r"\.compile\s*\(")
    return about(place.cell, variable=_variable(built), good=_loss(view)) if built and place else None


def plan_network(view: View) -> Details | None:
    """There is no answer, and no network that might have become one."""
    return None if view.built else _plan(view, outputs=_outputs(view))


def plan_loss(view: View) -> Details | None:
    """There is no answer, and no network was compiled that might have become one."""
    return None if built_loss(view) else _plan(view, good=_loss(view))


def _variable(built: Rejected) -> str:
    return short(built.variable.strip("`"))


def _outputs(view: View) -> str:
    classes = f"{view.classes} outputs, one for each class, with softmax."
    return classes if view.classes else "one output, without an activation."


def _loss(view: View) -> str:
    entropy = (
        "Sparse categorical cross-entropy, as labels are class numbers: minus the logarithm of the probability that "
        "the right class gets."
    )
    errors = "Mean squared error: one large error counts more than many small ones."
    return entropy if view.classes else errors


def plan_training(view: View) -> Details | None:
    """There is no answer."""
    return _plan(view)


def plan_evaluation(view: View) -> Details | None:
    """There is no answer."""
    accuracy = (
        "Accuracy on the test part, once; beside always saying the most frequent class and logistic regression; "
        "recall of each class, as some are rare."
    )
    errors = "RMSE or mean absolute error in dollars on the test part, once; beside the mean and linear regression."
    return _plan(view, good=accuracy if view.classes else errors)


def _plan(view: View, **values: str) -> Details | None:
    place = Figure.FAILURES if view.report.failures else Figure.CHOICE
    return None if view.report.answer else about(place, **values)
