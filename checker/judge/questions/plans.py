"""Questions for a student without a network, about how to solve the task."""

from checker.judge.questions.view import Details, View, about
from checker.records.report import Figure


def plan_data(view: View) -> Details | None:
    """There is no answer."""
    return _plan(view)


def plan_network(view: View) -> Details | None:
    """There is no answer."""
    classes = f"{view.classes} outputs, one for each class, with softmax."
    return _plan(view, outputs=classes if view.classes else "one output, without an activation.")


def plan_loss(view: View) -> Details | None:
    """There is no answer."""
    entropy = (
        "Sparse categorical cross-entropy, as labels are class numbers: minus the logarithm of the probability that "
        "the right class gets."
    )
    errors = "Mean squared error: one large error counts more than many small ones."
    return _plan(view, good=entropy if view.classes else errors)


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
