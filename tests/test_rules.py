"""Rules: a lecturer's pytest functions become results, whatever they do and whatever lies around them."""

import os
import re
import sys
from dataclasses import replace
from textwrap import dedent
from types import ModuleType

import pytest

from checker.assignment import rules as shared
from checker.errors import AssignmentError
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.arrays import ArrayRef
from checker.records.assignment import DatasetNote, RuleSeverities
from checker.records.tracing import Column, FeatureSource, FittedOn, Scaler, ScalerKind, SeenRows, Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import Importance, Outcome
from checker.run import rules
from checker.run.rules import Exhibits


@pytest.fixture
def exhibits(assignment):
    """A submission of which nothing is known."""
    return Exhibits(assignment, DatasetNote("data", "ab" * 32, True), 600, (), None, None, None, (), None)


@pytest.fixture
def run(tmp_path, exhibits):
    """Run some rules, given as a file's text."""

    def run_text(text, known=exhibits, folder=tmp_path):
        folder.mkdir(exist_ok=True, parents=True)
        path = folder / "test_rules.py"
        path.write_text("import pytest\n" + dedent(text), encoding="utf-8")
        return rules.run(path, known)

    return run_text


# -- results ---------------------------------------------------------------------------------------------


def test_results_come_in_the_files_order(run):
    """Each rule gives one result, in the order of the file, with its sentence and weight."""
    found = run('''
        @pytest.mark.required(help="Do it.")
        def test_z():
            """Z is so,
            and more."""

        @pytest.mark.advisory(help="Try it.")
        def test_a():
            """A is so."""

        @pytest.mark.required
        def test_m():
            """M is so."""
    ''')
    assert [(r.name, r.sentence, r.importance) for r in found] == [
        ("test_z", "Z is so, and more.", Importance.REQUIRED),
        ("test_a", "A is so.", Importance.ADVISORY),
        ("test_m", "M is so.", Importance.REQUIRED),
    ]
    assert all(r.outcome is Outcome.PASSED and not r.rationale for r in found)


def test_help_belongs_to_rules_that_failed(run):
    """Only a rule that failed tells the student what to do."""
    found = run('''
        @pytest.mark.required(help="Do it.")
        @pytest.mark.parametrize("n", [1, 2])
        def test_n(n):
            """N is one."""
            assert n == 1

        @pytest.mark.advisory
        def test_other():
            """It is so."""
            assert False, "No."
    ''')
    assert [r.help for r in found] == ["", "Do it.", ""]


@pytest.mark.parametrize(
    ("body", "outcome", "rationale", "detail"),
    [
        ("assert 1 == 1", Outcome.PASSED, "", ""),
        ("assert 3 == 4, 'Found 3.'", Outcome.FAILED, "Found 3.", ""),
        ("assert 3 == 4, 'Found 3.\\nIt has four sides.'", Outcome.FAILED, "Found 3.", "It has four sides."),
        ("x = 3; assert x == 4", Outcome.FAILED, "assert 3 == 4", ""),
        ("raise AssertionError('No.')", Outcome.FAILED, "No.", ""),
        ("pytest.skip('Not today.')", Outcome.SKIPPED, "Not today.", ""),
        ("from checker.assignment.rules import unknown; unknown('not known')", Outcome.UNKNOWN, "not known", ""),
        ("1 / 0", Outcome.ERROR, "ZeroDivisionError: division by zero", ""),
        ("raise KeyError('x')", Outcome.ERROR, "KeyError: 'x'", ""),
        ("pytest.fail('Broken.')", Outcome.ERROR, "Failed: Broken.", ""),
    ],
)
def test_what_a_rule_does_is_its_outcome(run, body, outcome, rationale, detail):
    """A failed assertion fails with its message; any other exception is the rule's own error."""
    (result,) = run(f'''
        @pytest.mark.required
        def test_it():
            """It is so."""
            {body}
    ''')
    assert (result.outcome, result.rationale, result.detail) == (outcome, rationale, detail)


def test_a_rule_that_breaks_stops_no_other(run):
    """The rules after one that breaks, while running or before it, are run."""
    found = run('''
        @pytest.fixture
        def broken():
            1 / 0

        @pytest.mark.required
        def test_first(broken):
            """First."""

        @pytest.mark.required
        def test_second(no_such_fixture):
            """Second."""

        @pytest.mark.required
        def test_third():
            """Third."""
    ''')
    assert [r.outcome for r in found] == [Outcome.ERROR, Outcome.ERROR, Outcome.PASSED]
    assert "ZeroDivisionError" in found[0].rationale
    assert "no_such_fixture" in found[1].rationale + found[1].detail


@pytest.mark.parametrize(
    ("mark", "body", "finding", "short"),
    [
        ("advisory(short='One layer')", "assert 1 == 2, 'It has one layer.'", "It has one layer.", "One layer"),
        ("advisory", "assert 1 == 2, 'It has one layer.'", "It has one layer.", "Not met: network is deep"),
        ("advisory(help='Add one.')", "assert 1 == 2", "Not met: It is deep.", "Not met: network is deep"),
        ("advisory", "raise AssertionError", "Not met: It is deep.", "Not met: network is deep"),
    ],
)
def test_a_failure_has_a_finding_and_a_short_name(run, mark, body, finding, short):
    """The message is the finding, ``short=`` the name; without them the docstring and the function's name stand in."""
    (result,) = run(f'''
        @pytest.mark.{mark}
        def test_network_is_deep():
            """It is deep."""
            {body}
    ''')
    assert (result.finding, result.short_name) == (finding, short)


def test_notes_are_kept(run):
    """A rule's notes are kept with its result, in order, whether it passes or not."""
    found = run('''
        @pytest.mark.required
        def test_passes(note):
            """It is so."""
            note("one")
            note("two")

        @pytest.mark.advisory
        def test_fails(note):
            """It is so."""
            note("three")
            assert False, "No."
    ''')
    assert [r.notes for r in found] == [("one", "two"), ("three",)]


def test_each_case_of_a_rule_is_a_result(run):
    """A parametrised rule gives a result for each case, under its own name."""
    found = run('''
        @pytest.mark.required
        @pytest.mark.parametrize("n", [1, 2])
        def test_n(n):
            """N is one."""
            assert n == 1, f"Found {n}."
    ''')
    assert [(r.name, r.outcome) for r in found] == [("test_n[1]", "passed"), ("test_n[2]", "failed")]


# -- evidence --------------------------------------------------------------------------------------------

ASK = '''
    @pytest.mark.required
    def test_it({name}):
        """It is so."""
        assert False, repr({name})
'''


@pytest.mark.parametrize("name", ["answer", "architecture", "recipe", "tracing", "training", "comparison"])
def test_a_rule_about_missing_evidence_could_not_be_checked(run, name):
    """A rule about evidence that does not exist is neither passed nor skipped, and the reason says what is missing."""
    (result,) = run(ASK.format(name=name))
    assert result.outcome is Outcome.UNKNOWN
    assert result.rationale


def test_rules_see_the_evidence(run, exhibits, make):
    """Every fixture hands out what is known of the submission."""
    known = replace(exhibits, notebook=(make.cell(1),), answer=make.model())
    for name, value in {
        "assignment": known.assignment,
        "dataset": known.dataset,
        "notebook": known.notebook,
        "answer": known.answer,
        "architecture": known.answer.architecture,
    }.items():
        (result,) = run(ASK.format(name=name), known)
        assert result.outcome is Outcome.FAILED
        assert result.rationale == repr(value)


def test_a_network_without_plain_data_has_no_architecture(run, exhibits, make):
    """A rule about the layers could not be checked where the network could not be described."""
    known = replace(exhibits, answer=make.model(architecture=None, unrebuildable="a Lambda"))
    (result,) = run(ASK.format(name="architecture"), known)
    assert result.outcome is Outcome.UNKNOWN
    assert result.rationale == "its layers are its own code, which cannot be read off"


@pytest.mark.parametrize(("mean", "outcome"), [(0.0, Outcome.PASSED), (2_636.0, Outcome.UNKNOWN)])
def test_inputs_of_a_network_of_own_code_are_seen_in_the_data(run, exhibits, make, mean, outcome):
    """Scaled inputs can be seen without the layers; large ones may be scaled by a layer of the file's own."""
    column = a_column(train_mean=mean)
    tracing = Tracing(source=FeatureSource.TRACED, reason="All.", columns=(column,), rows=ArrayRef("0", (1,), "int32"))
    answer = make.model(architecture=None, unrebuildable="a Lambda")
    (result,) = run(
        "from checker.assignment.rules import test_inputs_are_scaled",
        replace(exhibits, answer=answer, tracing=tracing),
    )
    assert result.outcome is outcome


def test_rows_that_were_not_traced_are_no_evidence(run, exhibits):
    """A rule about the rows could not be checked where they were not found in the data."""
    known = replace(exhibits, tracing=Tracing(source=FeatureSource.NOWHERE, reason="not found"))
    (result,) = run(ASK.format(name="tracing"), known)
    assert (result.outcome, result.rationale) == (Outcome.UNKNOWN, "its rows were not found in the data set")


# -- the assignment's own weights ------------------------------------------------------------------------

THREE = '''
    @pytest.mark.required(help="Do it.")
    def test_a():
        """A is so."""
        assert False, "No."

    @pytest.mark.advisory
    @pytest.mark.parametrize("n", [1, 2])
    def test_b(n):
        """B is so."""

    @pytest.mark.advisory
    def test_c():
        """C is so."""
'''


def weighed(exhibits, **lists):
    """Return exhibits whose assignment weighs some rules itself."""
    return replace(exhibits, assignment=replace(exhibits.assignment, rules=RuleSeverities(**lists)))


def test_an_assignment_weighs_rules_by_name(run, exhibits):
    """An assignment can make a required rule advisory or the reverse, for all its cases, or switch it off."""
    found = run(THREE, weighed(exhibits, required=("test_b",), advisory=("test_a",), off=("test_c",)))
    assert [(r.name, r.importance) for r in found] == [
        ("test_a", Importance.ADVISORY),
        ("test_b[1]", Importance.REQUIRED),
        ("test_b[2]", Importance.REQUIRED),
    ]
    assert found[0].help == "Do it."


def test_all_rules_may_be_off(run, exhibits):
    """An assignment may ask for nothing but a score."""
    assert run(THREE, weighed(exhibits, off=("test_a", "test_b", "test_c"))) == ()


def test_a_name_that_is_no_rule_is_refused(run, exhibits):
    """A misspelt name is the assignment's fault, and what there is, is listed."""
    with pytest.raises(AssignmentError, match=r"test_d\. There are: test_a, test_b, test_c"):
        run(THREE, weighed(exhibits, off=("test_a", "test_d")))


# -- rules that assignments share -------------------------------------------------------------------------


def test_shared_rules_are_picked_by_import(run):
    """An imported rule is run like one of the file's own, in the order of the names in the file."""
    found = run('''
        from checker.assignment.rules import test_tensorboard_is_used, test_labels_are_the_datas

        @pytest.mark.required
        def test_mine():
            """It is so."""

        from checker.assignment.rules import test_inputs_are_scaled
    ''')
    assert [(r.name, r.outcome) for r in found] == [
        ("test_tensorboard_is_used", Outcome.UNKNOWN),
        ("test_labels_are_the_datas", Outcome.UNKNOWN),
        ("test_mine", Outcome.PASSED),
        ("test_inputs_are_scaled", Outcome.UNKNOWN),
    ]
    assert found[1].sentence == "Each row was trained on with the label that the data has for it."
    assert found[1].importance is Importance.REQUIRED


def test_a_shared_rule_is_replaced_by_one_of_its_name(run):
    """A function of the same name takes the place of the imported one."""
    found = run('''
        from checker.assignment.rules import test_tensorboard_is_used, test_labels_are_the_datas

        @pytest.mark.required
        def test_tensorboard_is_used():
            """It is so."""
    ''')
    assert [(r.name, r.importance) for r in found] == [
        ("test_tensorboard_is_used", Importance.REQUIRED),
        ("test_labels_are_the_datas", Importance.REQUIRED),
    ]
    assert found[0].sentence == "It is so."


def test_a_shared_rule_is_reworded(run, exhibits, make):
    """Other help and another sentence change neither the rule's weight nor what it finds."""
    text = """
        from checker.assignment import rules
        of_all = rules.test_random_seeds_are_set
        test_random_seeds_are_set = rules.reworded(of_all, help="Call it.", sentence="Seeds are.")
        from checker.assignment.rules import test_random_seeds_are_set as test_again
    """
    mine, theirs = run(text, replace(exhibits, notebook=(make.cell(1, "x = 1  # set_random_seed(4)"),)))
    assert (mine.help, mine.sentence, mine.importance) == ("Call it.", "Seeds are.", Importance.ADVISORY)
    assert theirs.help.startswith("Start with `keras.utils")
    assert mine.rationale == theirs.rationale == "No random seed is set."
    assert mine.short_name == theirs.short_name == "No random seed"


def test_a_shared_rule_counts_the_rows_of_the_data(run, exhibits, make):
    """The rows of the data say how many are enough; further lines of the message come as they were written."""
    rows = ArrayRef("ab" * 32, (600,), "int64")
    tracing = Tracing(source=FeatureSource.TRACED, reason="", training_rows=200, development_rows=30, rows=rows)
    text = "from checker.assignment.rules import test_trained_on_enough_data"
    exhibits = replace(exhibits, answer=make.model())
    (result,) = run(text, replace(exhibits, tracing=tracing))
    assert result.rationale == "Too few rows: training and development used 230 of 600."
    assert result.detail == "A network that sees few rows learns little about the others."
    assert run(text, replace(exhibits, tracing=tracing, data_rows=300))[0].outcome is Outcome.PASSED


def a_column(**more):
    """Return a column that was fed as it stands in the data."""
    numbers = "train_mean train_deviation train_low train_high all_mean all_deviation all_low all_high label_purity"
    return Column(source="rooms", **dict.fromkeys(numbers.split(), 0.5) | more)


def test_rows_behind_weights_from_elsewhere_could_not_be_checked(run, exhibits, make):
    """A network whose weights were set before its training meets no rule about rows, and fails one as before."""
    names = ("test_trained_on_enough_data", "test_labels_are_the_datas", "test_final_test_on_unseen_rows")
    text = f"from checker.assignment.rules import {', '.join(names)}"
    rows, seen = ArrayRef("ab" * 32, (600,), "int64"), (SeenRows(3, "evaluate", 100, 0),)
    counts = {"training_rows": 400, "labels_compared": 400, "rows": rows, "seen": seen}
    known = replace(exhibits, tracing=Tracing(source=FeatureSource.TRACED, reason="", **counts), answer=make.model())
    assert {rule.outcome for rule in run(text, known)} == {Outcome.PASSED}
    for more in (
        {"origin": f"layer `d` already held weights, and {ELSEWHERE}"},
        {"unrebuildable": f"an array, and {ELSEWHERE}"},
    ):
        strange = replace(known, answer=replace(known.answer, **more))
        assert {rule.outcome for rule in run(text, strange)} == {Outcome.UNKNOWN}
        assert "the source of the weights is not known" in run(text, strange)[0].rationale
        few = {"training_rows": 20, "labels_differ": 300, "seen": (SeenRows(3, "evaluate", 100, 50),)}
        worse = replace(strange, tracing=replace(known.tracing, **few))
        assert {rule.outcome for rule in run(text, worse)} == {Outcome.FAILED}
        said = "No test on unseen rows: `evaluate` got {}, so nothing was tested on unseen ones."
        assert run(text, worse)[-1].rationale == said.format("training rows too")
        alone = replace(worse, tracing=replace(worse.tracing, seen=(SeenRows(3, "evaluate", 100, 100),)))
        assert run(text, alone)[-1].rationale == said.format("only training rows")


def test_no_scaler_was_fitted_on_nothing_else(run, exhibits):
    """Inputs that nobody scaled do not meet the rule on the scaler: it does not apply."""
    rows = ArrayRef("ab" * 32, (600,), "int64")
    text = "from checker.assignment.rules import test_preprocessing_fitted_on_training_rows"

    def of(*columns):
        traced = Tracing(source=FeatureSource.TRACED, reason="", rows=rows, columns=columns)
        return run(text, replace(exhibits, tracing=traced))[0]

    plain = a_column()
    assert (of(plain).outcome, of(plain).rationale) == (Outcome.SKIPPED, "no scaler was found")
    scaled = a_column(scaler=Scaler(ScalerKind.STANDARD, FittedOn.TRAINED))
    assert of(plain, scaled).outcome is Outcome.PASSED
    assert of(a_column(all_mean=0.0, all_deviation=1.0)).outcome is Outcome.FAILED


def test_an_error_that_never_fell_was_not_trained_long_enough_either(root, exhibits, make):
    """Of a network whose error stays the same nobody says that training went on until it no longer helped."""

    def of(*errors):
        history = {"mae": errors}
        trained = TrainingRun(
            seed=1, history=history, epochs=3, steps=9, seconds=1.0, stopped_early=False, predictions=rows
        )
        found = rules.run(root / "reference" / "house_value" / "test_rules.py", replace(exhibits, training=(trained,)))
        return next(rule for rule in found if rule.name == "test_no_underfitting")

    rows = ArrayRef("ab" * 32, (600,), "int64")
    assert (of(2.0, 2.0, 2.0).outcome, of(2.0, 2.1).outcome) == (Outcome.SKIPPED, Outcome.SKIPPED)
    assert of(2.0, 2.0, 2.0).rationale == "the error on the training rows never fell"
    assert (of(2.0, 1.0, 0.99).outcome, of(2.0, 1.0, 0.5).outcome) == (Outcome.PASSED, Outcome.FAILED)


def test_the_public_module_holds_what_it_lists():
    """Every listed name is there, and every rule there is listed."""
    assert all(hasattr(shared, name) for name in shared.__all__)
    assert {name for name in vars(shared) if name.startswith("test_")} <= set(shared.__all__)


# -- broken rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def test_it(:", "SyntaxError"),
        ("import no_such_module", "no_such_module"),
        ("1 / 0", "ZeroDivisionError"),
        ("x = 1", "holds no rules"),
        ('def test_it():\n    """It is so."""', "test_it"),
        ("@pytest.mark.required\ndef test_it():\n    pass", "test_it"),
        ('@pytest.mark.requierd\ndef test_it():\n    """It is so."""', ""),
    ],
    ids=["syntax", "import", "raises", "empty", "no mark", "no sentence", "misspelt mark"],
)
def test_a_file_that_is_no_rules_is_the_assignments_fault(run, text, words):
    """A file that is broken, empty, or holds a rule without mark or sentence is refused by its name."""
    with pytest.raises(AssignmentError, match=r"test_rules\.py") as caught:
        run(text)
    assert words in caught.value.message


def test_a_missing_file_is_the_assignments_fault(exhibits, tmp_path):
    """A rules file that is not there is refused by its name."""
    with pytest.raises(AssignmentError, match=r"test_rules\.py"):
        rules.run(tmp_path / "test_rules.py", exhibits)


# -- rule files of before --------------------------------------------------------------------------------


def test_a_former_import_says_what_to_write_now(run, tmp_path):
    """A rule file that imports a module that is gone is refused with its line and the import that takes its place."""
    with pytest.raises(AssignmentError) as caught:
        run('''
            from checker.architectures import describe, own_numbers
            from checker.records import Architecture, Recipe

            @pytest.mark.required
            def test_it(recipe: Recipe):
                """It is so."""
        ''')
    assert caught.value.message == (
        f"{tmp_path / 'test_rules.py'}, line 3: checker.architectures is called checker.assignment.rules now: "
        "write `from checker.assignment.rules import describe` (which has no own_numbers); "
        "line 4: checker.records is called checker.assignment.rules now: "
        "write `from checker.assignment.rules import Architecture, Recipe`"
    )


def test_a_former_import_within_a_rule_is_found(run):
    """An import in a rule's body is as wrong as one at the file's head."""
    with pytest.raises(AssignmentError, match=r"line 7: checker\.rules is called .* import unknown`"):
        run('''
            @pytest.mark.required
            def test_it():
                """It is so."""

                from checker.rules import unknown
        ''')


def test_a_former_module_is_told_however_it_is_imported(run):
    """``import checker.rules`` and ``from checker import rules`` are former imports as well."""
    for line in ("import checker.rules as rules", "from checker import rules"):
        with pytest.raises(
            AssignmentError, match=r"line 2: checker\.rules is called .* `import checker\.assignment\.rules`"
        ):
            run(line + dedent(PLAIN))


def test_a_file_that_fits_both_is_not_refused(run):
    """A former import that the file can do without is no error, nor is another import that fails beside it."""
    result, broken = run('''
        try:
            from checker.rules import unknown
        except ImportError:
            from checker.assignment.rules import unknown

        @pytest.mark.required
        def test_it():
            """It is so."""

        @pytest.mark.required
        def test_other():
            """It is so."""
            import no_such_module
    ''')
    assert (result.outcome, broken.outcome) == (Outcome.PASSED, Outcome.ERROR)


PLAIN = '''
    @pytest.mark.required
    def test_it():
        """It is so."""
'''

# What rule files imported before they imported one module: the drafts of new assignments, and both assignments.
DRAFTED = """
    from checker.architectures import (
        describe,
        nonlinear_hidden_layers,
        normalises_inputs,
        output_activation,
        output_units,
    )
    from checker.assignments import own_cells
    from checker.records import Architecture, Assignment, CellResult, Labels, ModelCapture, Recipe, SeenRows, Tracing
    from checker.rules import unknown
"""
CLASSIFICATION = """
    from checker.architectures import describe
    from checker.assignments import starter_sources
    from checker.records import (
        Architecture,
        Assignment,
        CellResult,
        Comparison,
        Labels,
        ModelCapture,
        Recipe,
        SeenRows,
        Tracing,
        TrainingRun,
    )
    from checker.rules import unknown
"""


@pytest.mark.parametrize("imports", [DRAFTED, CLASSIFICATION], ids=["draft", "classification"])
def test_every_former_rule_file_is_told_all_it_needs(run, imports):
    """Whatever the rule files of before imported is in the public module: with the words' imports it runs."""
    with pytest.raises(AssignmentError) as caught:
        run(imports)
    written = re.findall("write `(.+?)`", caught.value.message)
    assert len(written) == 4
    assert "has no" not in caught.value.message
    (result,) = run("\n".join(written) + dedent(PLAIN))
    assert result.outcome is Outcome.PASSED


# -- alone in the world ----------------------------------------------------------------------------------


def test_configuration_around_the_rules_is_not_read(run, tmp_path):
    """A pytest.ini, a pyproject.toml or a conftest.py in a folder above changes nothing."""
    for name in ("pytest.ini", "tox.ini"):
        (tmp_path / name).write_text("[pytest]\naddopts = --no-such-option\npython_functions = nothing_*\n")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["--no-such-option"]\n')
    (tmp_path / "conftest.py").write_text("raise RuntimeError('the conftest above was read')\n")
    (result,) = run(PLAIN, folder=tmp_path / "reference" / "course")
    assert result.outcome is Outcome.PASSED


def test_the_environment_is_not_read(run, monkeypatch):
    """Options for pytest in the environment change nothing, and are there again afterwards."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    (result,) = run(PLAIN)
    assert result.outcome is Outcome.PASSED
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"
    assert os.environ["PYTEST_PLUGINS"] == "no_such_plugin"


def test_the_working_folder_is_not_read(run, tmp_path, monkeypatch):
    """A conftest.py or pytest.ini where the program was started changes nothing."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "conftest.py").write_text("raise RuntimeError('the conftest here was read')\n")
    (here / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    monkeypatch.chdir(here)
    (result,) = run(PLAIN, folder=tmp_path / "rules")
    assert result.outcome is Outcome.PASSED


def test_another_assignments_rules_are_others(run, tmp_path):
    """Two files of the same name in different folders are run as what they are, and again in turn."""
    one = PLAIN.replace("It is so.", "One.")
    two = PLAIN.replace("It is so.", "Two.").replace("test_it", "test_other")
    names = [
        [(r.name, r.sentence) for r in run(text, folder=tmp_path / folder)]
        for text, folder in ((one, "one"), (two, "two"), (one, "one"))
    ]
    assert names == [[("test_it", "One.")], [("test_other", "Two.")], [("test_it", "One.")]]


def test_a_module_of_the_same_name_is_not_taken_for_the_rules(run, monkeypatch):
    """A module that happens to be imported as ``test_rules`` is neither run nor lost."""
    namesake = ModuleType("test_rules")
    monkeypatch.setitem(sys.modules, "test_rules", namesake)
    (result,) = run(PLAIN)
    assert result.outcome is Outcome.PASSED
    assert sys.modules["test_rules"] is namesake


def test_changed_rules_are_read_again(run):
    """A rule that was changed between two runs is run as it is now."""
    assert run(PLAIN)[0].sentence == "It is so."
    assert run(PLAIN.replace("It is so.", "It is thus."))[0].sentence == "It is thus."


def test_running_rules_shows_nothing(run, capfd):
    """Running rules writes nothing on the screen."""
    run(PLAIN)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["ocean_proximity", "house_value"])
def test_our_own_rules_pass_nobody_of_whom_nothing_is_known(exhibits, root, name):
    """Of a submission without evidence no rule that is required has passed, and none breaks."""
    found = rules.run(root / "reference" / name / "test_rules.py", exhibits)
    assert len(found) >= 10
    assert all(r.sentence.endswith(".") for r in found)
    assert {r.outcome for r in found if r.importance is Importance.REQUIRED} == {Outcome.UNKNOWN}
    assert not [r.name for r in found if r.outcome is Outcome.ERROR]
