"""All imports of an assignment's ``test_rules.py``: the rules that assignments share, and the names for own rules.

This is the one public module for rule files. Its names stay; where the records and functions behind them live may
change. Example of a rule file::

    import pytest

    from checker.assignment.rules import Architecture, hidden_layers, test_inputs_are_scaled, test_random_seeds_are_set

    @pytest.mark.advisory(help="Try two hidden layers.", short="One hidden layer")
    def test_network_is_deep(architecture: Architecture) -> None:
        \"\"\"The network has two hidden layers or more.\"\"\"
        assert len(hidden_layers(architecture)) >= 2, "The network has fewer than two hidden layers."

**A rule** is a pytest function whose name begins with ``test_``. Its docstring states the requirement: a report shows
it as the rule's sentence if the rule is met. When an assertion fails, the first line of its message is the finding. It
stands alone in the report, so it states the fault ("No development set: `fit` got no validation data."). The other
lines explain. Without a message the report shows "Not met: " and the docstring. The mark is ``required`` (a failure
decides the verdict) or ``advisory`` (a failure is a topic for the session). ``help=`` is the advice to the student.
``short=`` names the failure in two to four words, for tables ("No development set"); without it tables have the
function's name in words. Words between backticks are shown as code. A rule that does not apply calls ``pytest.skip``; a
rule whose evidence is missing calls ``unknown``. A rule about the rows behind a network's weights ends with
``require_known_weights``, because rows of its training say nothing about weights that were set by hand.

**Evidence** comes through the rule's parameters: ``assignment``, ``dataset``, ``data_rows`` (the number of rows of the
data), ``notebook`` (the cells), ``own_code`` (the code of the student's own cells), ``answer`` (the network and its
training), ``architecture``, ``recipe``, ``tracing`` (the rows and columns that it was fed), ``training`` and
``comparison`` (the results of its retraining), ``note`` (adds a remark to the result). If the evidence does not exist,
the rule could not be checked: a required one then refers the submission to a person.

**To pick a shared rule**, import it. **To change its words**, use ``reworded``, or the function of the same name
without ``test_``, and assign the result to the rule's name. **To replace it**, define a function of that name. A report
shows rules in the order in which their names first appear in the file, imports included. To put a shared rule between
two of your own, assign it there: ``test_inputs_are_scaled = rules.test_inputs_are_scaled``.
"""

from checker.assignment.folders import own_cells, starter_sources
from checker.assignment.shared_rules import (
    CLASSIFICATION_LOSSES,
    CLASSIFIERS,
    ENOUGH,
    REGRESSION_LOSSES,
    REGRESSORS,
    NoEvidenceError,
    assert_enough_rows,
    assert_no_late_rise,
    is_unseen,
    labels_are_the_datas,
    loss_fits_labels_and_output,
    output_is_one_distribution,
    output_is_one_number,
    require_known_weights,
    reworded,
    target_is_not_a_feature,
    test_confusion_matrix_is_made,
    test_development_set_was_watched,
    test_final_test_on_unseen_rows,
    test_inputs_are_scaled,
    test_labels_are_the_datas,
    test_loss_fits_labels_and_output,
    test_loss_is_one_of_regression,
    test_nonlinear_hidden_layer,
    test_output_is_one_distribution,
    test_output_is_one_number,
    test_predictions_are_drawn,
    test_preprocessing_fitted_on_training_rows,
    test_random_seeds_are_set,
    test_target_is_not_a_feature,
    test_tensorboard_is_used,
    test_traditional_model_is_compared,
    test_trained_on_enough_data,
    traditional_model_is_compared,
    unknown,
    values_in_history,
)
from checker.keras_spec.architectures import (
    describe,
    describe_layer,
    hidden_layers,
    in_order,
    nonlinear_hidden_layers,
    normalises_inputs,
    output_activation,
    output_units,
    own_activation,
)
from checker.records.assignment import Assignment, DatasetNote
from checker.records.capture import CellError, CellOutput, CellResult, Fed, Fit, ModelCapture, Use
from checker.records.comparison import Comparison
from checker.records.network import Architecture, Development, KerasObject, Labels, Layer, Node, Phase, Recipe
from checker.records.tracing import Column, FeatureSource, SeenRows, Tracing
from checker.records.training import TrainingRun

__all__ = [
    "CLASSIFICATION_LOSSES",
    "CLASSIFIERS",
    "ENOUGH",
    "REGRESSION_LOSSES",
    "REGRESSORS",
    "Architecture",
    "Assignment",
    "CellError",
    "CellOutput",
    "CellResult",
    "Column",
    "Comparison",
    "DatasetNote",
    "Development",
    "FeatureSource",
    "Fed",
    "Fit",
    "KerasObject",
    "Labels",
    "Layer",
    "ModelCapture",
    "NoEvidenceError",
    "Node",
    "Phase",
    "Recipe",
    "SeenRows",
    "Tracing",
    "TrainingRun",
    "Use",
    "assert_enough_rows",
    "assert_no_late_rise",
    "describe",
    "describe_layer",
    "hidden_layers",
    "in_order",
    "is_unseen",
    "labels_are_the_datas",
    "loss_fits_labels_and_output",
    "nonlinear_hidden_layers",
    "normalises_inputs",
    "output_activation",
    "output_is_one_distribution",
    "output_is_one_number",
    "output_units",
    "own_activation",
    "own_cells",
    "require_known_weights",
    "reworded",
    "starter_sources",
    "target_is_not_a_feature",
    "test_confusion_matrix_is_made",
    "test_development_set_was_watched",
    "test_final_test_on_unseen_rows",
    "test_inputs_are_scaled",
    "test_labels_are_the_datas",
    "test_loss_fits_labels_and_output",
    "test_loss_is_one_of_regression",
    "test_nonlinear_hidden_layer",
    "test_output_is_one_distribution",
    "test_output_is_one_number",
    "test_predictions_are_drawn",
    "test_preprocessing_fitted_on_training_rows",
    "test_random_seeds_are_set",
    "test_target_is_not_a_feature",
    "test_tensorboard_is_used",
    "test_traditional_model_is_compared",
    "test_trained_on_enough_data",
    "traditional_model_is_compared",
    "unknown",
    "values_in_history",
]
