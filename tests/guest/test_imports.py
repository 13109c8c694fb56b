"""Imports that fail in a student's cell, and what stands in for them."""

import ast
import importlib.util
from types import SimpleNamespace

import pytest

from checker.guest.compat.absent import Decoration, Missing
from checker.guest.compat.former_keras import FormerModules
from checker.guest.compat.imports import Imports

KERAS = SimpleNamespace(
    layers=SimpleNamespace(Dense="Dense"),
    utils=SimpleNamespace(to_categorical="to_categorical"),
    models=SimpleNamespace(),
)


@pytest.fixture
def cell(hooks):
    """Run a cell's source as the kernel would; the cell's variables, and what was noted."""
    variables, notes = {}, []
    importing = Imports(KERAS, variables, notes.append)
    importing.install(hooks)

    def run(source):
        exec(compile(importing.visit(ast.parse(source)), "cell", "exec"), variables)
        return variables, notes

    run.importing = importing
    return run


def test_imports_that_succeed_are_left_alone(cell):
    """An import that works is left as it is, without a note."""
    variables, notes = cell("import os.path, json as j\nfrom math import pi as number, sqrt\nfrom string import *")
    assert (variables["j"].dumps([]), variables["number"] > 3, variables["sqrt"](4), notes) == ("[]", True, 2, [])
    assert variables["os"].path.sep
    assert variables["digits"].startswith("0")


def test_a_missing_package_harms_nobody_until_it_is_used(cell):
    """The rest of the cell goes on; using what is missing names it, with the list of what there is."""
    variables, notes = cell("import nosuchbooster as b, json\nfrom nosuchbooster.sklearn import Booster\nx = 1")
    assert (variables["x"], variables["json"].dumps(1)) == (1, "1")
    assert isinstance(variables["b"], Missing)
    assert "`nosuchbooster` is not part of the course environment, which has tensorflow" in notes[0]
    for use in ("b.train()", "Booster()", "class Own(Booster): pass"):
        with pytest.raises(ModuleNotFoundError, match="nosuchbooster"):
            exec(use, variables)


def test_decoration_is_done_without(cell):
    """A package that only draws does nothing; what it wraps stays what it was."""
    variables, notes = cell("import missingno as m\nfrom livelossplot import Plot\nfrom streamlit import cache")
    assert isinstance(variables["m"], Decoration)
    exec("with m.figure(3)[0] as f: f.title('x').show()\nPlot(metrics=['a'])", variables)
    assert variables["cache"](len) is len
    exec("chosen = m.IntSlider(value=20, min=1).value", variables)
    assert variables["chosen"] == 20
    assert all("only decorates" in words for words in notes)


@pytest.mark.tensorflow
def test_what_moved_in_keras_is_found(cell):
    """Former modules of Keras lead to where their contents are today."""
    variables, notes = cell(
        "from keras.layers.core import Dense\nfrom tensorflow.keras.utils import np_utils\n"
        "from tensorflow.python.keras.layers.nosuch import Dense as D"
    )
    assert (variables["Dense"], variables["D"]) == ("Dense", "Dense")
    assert variables["np_utils"].to_categorical == "to_categorical"
    assert "`keras.layers.core.Dense` is in `keras.layers` today" in notes


def test_tensorflows_copies_of_keras_are_keras_itself(cell):
    """Wherever a copy is named, in a function, in ``try`` or by attribute, Keras itself is meant; it is said once."""
    tree = cell.importing.visit(
        ast.parse(
            "def f():\n    from tensorflow.python.keras.models import Sequential\n"
            "try:\n    import tensorflow.contrib.keras.layers as layers\nexcept ImportError:\n    pass\n"
            "keras = tf.python.keras\nlocal = keras.python"
        )
    )
    written = ast.unparse(tree)
    assert "from tensorflow.keras.models import Sequential" in written
    assert "import tensorflow.keras.layers as layers" in written
    assert "keras = tf.keras\nlocal = keras.python" in written
    assert len(cell("")[1]) == 1


def test_former_modules_are_found_wherever_they_are_imported():
    """A finder gives former modules of Keras what is in their place today, and nothing else."""
    notes = []
    finder = FormerModules(KERAS, notes.append)
    spec = finder.find_spec("tensorflow.keras.layers.core")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Dense == "Dense"
    assert notes == ["`tensorflow.keras.layers.core` is in `keras.layers` today"]
    assert [finder.find_spec(name) for name in ("keras.nosuch", "json.core", "tensorflow.core")] == [None] * 3


def test_a_name_that_is_not_there_is_told_when_it_is_used(cell):
    """A missing name of an existing module is no missing package, and the other names of the line are there."""
    variables, notes = cell("from json import dumps, nosuchname")
    assert variables["dumps"](1) == "1"
    assert "`json.nosuchname` could not be imported" in notes[0]


def test_imports_inside_try_stay_the_students_own(cell):
    """Code that catches the error of an import gets it."""
    variables, notes = cell("try:\n    import nosuchbooster\nexcept ImportError:\n    caught = True")
    assert (variables["caught"], notes) == (True, [])


def test_the_imports_of_a_broken_cell_are_run(cell):
    """A cell that Python cannot read still imports; one that raised goes on with the imports behind the error."""
    broken = SimpleNamespace(raw_cell="import json\nfrom math import (\nprint 'x'\nfrom math import pi\n    import os")
    cell.importing.salvage(SimpleNamespace(info=broken, error_before_exec=SyntaxError()))
    variables, notes = cell("")
    assert (variables["json"].dumps(1), variables["pi"] > 3) == ("1", True)
    assert "no valid Python" in notes[0]
    raised = SimpleNamespace(raw_cell="1 / 0\nimport string")
    cell.importing.salvage(SimpleNamespace(info=raised, error_before_exec=None))
    assert variables["string"].digits
