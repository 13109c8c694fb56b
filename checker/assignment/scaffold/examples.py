"""For each rule of a new assignment, a notebook that fails it: the solution with one defect."""

from collections.abc import Sequence
from dataclasses import dataclass

from checker.assignment.scaffold.notebooks import Cell


@dataclass(frozen=True)
class Example:
    """``changes`` to the solution's code, as pairs of old and new text, and the ``rule`` that then fails. If it is
    required, the verdict is FAIL."""

    name: str
    rule: str
    changes: tuple[tuple[str, str], ...]
    is_required: bool = True

    @property
    def expected(self) -> str:
        """Content of its ``expected.toml``."""
        return ('verdict = "FAIL"\n' if self.is_required else "") + f'rule = "{self.rule}"\n'


HIDDEN = """        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(32, activation="relu"),
"""
FEWEST = 50
"""Smallest number of rows of a training part for row matching."""
LARGE = tuple((f"X_{part} = scaler", f"X_{part} = 100 * scaler") for part in ("train", "dev", "test"))
CROSS_ENTROPY, SQUARED_ERROR = '"sparse_categorical_crossentropy"', '"mean_squared_error"'


def of_task(task: str, rows: int, comparison: str) -> tuple[Example, ...]:
    """Return the examples for a task and a number of rows; ``comparison``: the cell with a traditional model.

    For a small data set there is no example with too few training rows: any part large enough for row matching
    satisfies the rule.
    """
    y = "y" if task == "classification" else "z"
    few = max(rows // 10, FEWEST)
    fed, less = f"X_train, {y}_train, validation_data", f"X_train[:{few}], {y}_train[:{few}], validation_data"
    order = f"X_train, {y}_train.to_numpy()[::-1], validation_data"
    tested, again = f"evaluate(X_test, {y}_test", f"evaluate(X_train, {y}_train"
    watched, leak = f" validation_data=(X_dev, {y}_dev),", "X = table[features].assign(hint=y)"
    seed = "keras.utils.set_random_seed(42)\n"
    return (
        Example("no-hidden-layer", "test_nonlinear_hidden_layer", ((HIDDEN, ""),)),
        *(_of_classification() if task == "classification" else _of_regression()),
        *((Example("few-rows", "test_trained_on_enough_data", ((fed, less),)),) if few < 0.24 * rows else ()),
        Example("labels-reversed", "test_labels_are_the_datas", ((fed, order),)),
        Example("target-leak", "test_target_is_not_a_feature", (("X = table[features]", leak),)),
        Example("nothing-watched", "test_development_set_was_watched", ((watched, ""),), is_required=False),
        Example("tested-on-training", "test_final_test_on_unseen_rows", ((tested, again),), is_required=False),
        Example("large-inputs", "test_inputs_are_scaled", LARGE, is_required=False),
        Example("no-seed", "test_random_seeds_are_set", ((seed, ""),), is_required=False),
        Example("no-comparison", "test_traditional_model_is_compared", ((comparison, ""),), is_required=False),
    )


def _of_classification() -> tuple[Example, ...]:
    fed, tested = "X_train, y_train, validation_data=(X_dev, y_dev)", "evaluate(X_test, y_test"
    loss = (
        (CROSS_ENTROPY, SQUARED_ERROR),
        (fed, "X_train, np.eye(len(classes))[y_train], validation_data=(X_dev, np.eye(len(classes))[y_dev])"),
        (tested, "evaluate(X_test, np.eye(len(classes))[y_test]"),
    )
    return (
        Example("sigmoid-output", "test_output_is_one_distribution", (('"softmax"', '"sigmoid"'),)),
        Example("squared-error", "test_loss_fits_labels_and_output", loss),
    )


def _of_regression() -> tuple[Example, ...]:
    output = ("layers.Dense(1)", 'layers.Dense(1, activation="tanh")')
    return (
        Example("bounded-output", "test_output_is_one_number", (output,)),
        Example("binary-crossentropy", "test_loss_is_one_of_regression", ((SQUARED_ERROR, '"binary_crossentropy"'),)),
    )


def spoiled(solution: Sequence[Cell], example: Example) -> tuple[Cell, ...]:
    """Return the solution's cells with an example's changes, each applied to the only cell that has the old text."""
    cells = list(solution)
    for old, new in example.changes:
        (at,) = (number for number, cell in enumerate(cells) if old in cell.source)
        cells[at] = cells[at]._replace(source=cells[at].source.replace(old, new))
    return tuple(cells)
