"""Another network of a file is made the answer: without running the file, with who did it, and for good."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fakes import FakeSandbox
from practical import SEEDS, Practical
from trained import small_data

from checker.errors import UsageError
from checker.records.job import RetrainJob
from checker.records.settings import ReferenceResults, RunSettings
from checker.run import answers, batch, lock, places
from checker.submissions import choice

BY = "Grace Hopper"


@pytest.fixture(scope="module")
def data(assignment):
    return small_data(assignment)


@pytest.fixture
def sandbox(data, make):
    """A guest whose file trains a narrow and then a wide network, and one that only its own code can train."""
    practical = Practical(data, make)
    fit = practical.model().fits[0]
    narrow = practical.model(id=1, variable="narrow", architecture=make.architecture(3))
    wide = practical.model(id=2, variable="wide", architecture=make.architecture(3), fits=(replace(fit, cell=8),))
    own = practical.model(id=3, variable="own", architecture=None, unrebuildable="its own class")

    def hand_in():
        yield from practical.hand_in(own)
        yield from practical.hand_in(narrow)
        yield from practical.hand_in(wide)

    return FakeSandbox(practical.guest({"good": hand_in}))


@pytest.fixture
def settings(assignment, data):
    return RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)


@pytest.fixture
def reference():
    return ReferenceResults(scores=dict.fromkeys(SEEDS, 0.6), baselines=dict.fromkeys(SEEDS, 0.5))


@pytest.fixture
def check(tmp_path, sandbox, settings, reference):
    """Run a batch over the one file; return its report."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.ipynb").write_text("good")

    def run(**more):
        about = choice.find(tmp_path / "in"), replace(settings, **more), reference, tmp_path / "out"
        with ThreadPoolExecutor(1) as executor:
            watch = lambda name: lambda stage, step: None  # noqa: E731
            result = batch.run(*about, executor, watch, lambda *end: None, places.Pool(sandbox))
        (report,) = result.reports
        return report

    return run


def jobs(sandbox):
    """Return all jobs that guests were given."""
    return [job for box in sandbox.boxes for job, _ in box.jobs]


def test_another_network_is_made_the_answer_for_good(check, sandbox, settings, reference, tmp_path):
    """The chosen network is trained, judged and in the tables; the file does not run again. The next batch and the next
    judging keep it, and say that a person chose it; a network that the command names counts more."""
    out = tmp_path / "out"
    assert check().answer.variable == "wide"
    before = len(jobs(sandbox))
    made = batch.make_answer(out, "ada", 1, BY, settings, reference, places.Pool(sandbox))
    assert made.answer.variable == "narrow" and "a demonstrator made `narrow` the answer" in made.selection.reason
    assert [type(job) for job in jobs(sandbox)[before:]] == [RetrainJob]
    (row,) = json.loads((out / "results.json").read_text())["reports"]
    assert row["selection"]["chosen"] == 1
    chosen = answers.choices(out)["ada"]
    assert (chosen.by, chosen.model, chosen.called) == (BY, 1, "`narrow` of cell 6")
    done = len(jobs(sandbox))
    assert check().answer.variable == "narrow"
    (judged,) = batch.judge_again(settings, reference, out, lambda *end: None).reports
    assert judged.answer.variable == "narrow" and len(jobs(sandbox)) == done
    assert check(model="wide").answer.variable == "wide"


def test_a_choice_is_for_one_file(check, sandbox, settings, reference, tmp_path):
    """A file that is handed in again is not bound by a choice that was made for the one before."""
    check()
    batch.make_answer(tmp_path / "out", "ada", 1, BY, settings, reference, places.Pool(sandbox))
    other = replace(choice.find(tmp_path / "in")[0], sha256="0" * 64)
    assert answers.respected(settings, other, tmp_path / "out").model == ""


@pytest.mark.parametrize(
    ("number", "words"), [(3, "Only the student's own code can train this one"), (9, "There is no such network")]
)
def test_what_cannot_be_made_the_answer_says_why(check, sandbox, settings, reference, tmp_path, number, words):
    """A network that only the student's code can train, or that is not there, is refused, and nothing changes."""
    check()
    before = (tmp_path / "out" / "evidence" / "ada" / "evidence.json").read_bytes()
    with pytest.raises(UsageError, match=words):
        batch.make_answer(tmp_path / "out", "ada", number, BY, settings, reference, places.Pool(sandbox))
    assert (tmp_path / "out" / "evidence" / "ada" / "evidence.json").read_bytes() == before
    assert not answers.choices(tmp_path / "out")


def test_nothing_changes_while_a_batch_runs(check, sandbox, settings, reference, tmp_path):
    """While another command works in the folder, the choice is refused and named as what it is: in use."""
    check()
    with lock.held(tmp_path / "out"), pytest.raises(UsageError, match="is in use"):
        batch.make_answer(tmp_path / "out", "ada", 1, BY, settings, reference, places.Pool(sandbox))
    assert not answers.choices(tmp_path / "out")


def test_a_damaged_list_of_choices_is_told(check, tmp_path):
    """A list of choices that cannot be read stops nobody's evidence from being kept, but is told in words."""
    check()
    (tmp_path / "out" / answers.FILE).write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        answers.choices(tmp_path / "out")
