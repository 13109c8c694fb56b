"""What helps a submission below the bar: few changes, the cheapest that helps, kept with the evidence, for a fair
price."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fakes import FakeSandbox
from practical import SEEDS, Practical
from reports import a_pass
from trained import small_data, trained, with_dropout

from checker.records.job import RetrainJob
from checker.records.report import Cause, CauseKind, Observation, Symptom
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.variants import Effect, Scaling, Tried, TriedSeed, Variant
from checker.run import batch, places
from checker.submissions import choice
from checker.whatif import directions
from checker.whatif.originals import original_of


@pytest.fixture(scope="module")
def original(assignment, make, tmp_path_factory):
    return original_of(*trained(assignment, make, tmp_path_factory.mktemp("in")))


@pytest.fixture
def report(original):
    """A report below the bar, by the seeds of the network, without any symptom."""
    failed = a_pass("ada")
    scores = tuple(
        replace(of, seed=seed, score=0.70 + at / 1000, reference=0.90, baseline=0.60)
        for at, (of, seed) in enumerate(zip(failed.comparison.scores, SEEDS, strict=False))
    )
    compared = replace(failed.comparison, scores=scores, mean=0.70, reference_mean=0.9, bar=0.865, baseline_mean=0.6)
    return replace(failed, comparison=compared, observations=(), cause=None, failures=(), replayed="")


def trainer(asked, **scores):
    """Return what pretends to train: the score of each change by a word of it, 0.70 for others."""

    def train(variant):
        asked.append(variant)
        key = "scaled" if variant.scaling is Scaling.STANDARD else "epochs" if variant.epochs else ""
        key = key or ("down" if (variant.learning_rate or 1) < 0.001 else "up" if variant.learning_rate else "layers")
        score = scores.get(key, 0.70)
        seed = TriedSeed(seed=SEEDS[0], score=score, original=0.70, history={}, epochs=1)
        return Tried(variant=variant, change=key, sentence="", effect=Effect.UNKNOWN, seeds=(seed,), parameters=1,
                     gain=score - 0.70)  # fmt: skip

    return train


def test_only_submissions_below_the_bar_are_advised(report):
    """A PASS, a replayed network, and what fails for its data or its file get no direction."""
    assert directions.wanted(report)
    assert not directions.wanted(a_pass("ada"))
    assert not directions.wanted(replace(report, replayed="its own class"))
    for kind in (CauseKind.LEAK, CauseKind.LABELS, CauseKind.ROWS, CauseKind.FILE_CUT):
        assert not directions.wanted(replace(report, cause=Cause(kind, "", "")))


def test_the_diagnosis_chooses_the_changes(report, original):
    """What the trainings show decides which changes are tried, at most six, and the cheapest come first; what cannot be
    tried is left out."""
    overfits = replace(report, observations=(Observation(Symptom.OVERFITS, "It overfits."),))
    words = [words for words, _ in directions.suggested(overfits, original)]
    assert words == ["a smaller learning rate", "a larger learning rate", "more epochs", "fewer epochs", "dropout",
                     "fewer layers"]  # fmt: skip
    assert "inputs scaled" not in words  # they are
    usual = [words for words, _ in directions.suggested(report, original)]
    assert usual == ["a smaller learning rate", "a larger learning rate", "more epochs", "one more hidden layer",
                     "more units"]  # fmt: skip


def test_the_cheapest_that_reaches_the_bar_is_named(report, original):
    """Of two changes that reach the bar, the cheaper one is the direction, though the other gains more; each is told
    with its gain, and each was trained for one seed."""
    asked = []
    found = directions.find(report, original, trainer(asked, up=0.88, epochs=0.91), lambda: 0.0)
    assert found.helps
    assert found.sentence == "a larger learning rate: +18.0 points on one seed, which reaches the bar there."
    assert len(asked) == 5 == len(found.tried) and {of.seeds for of in asked} == {(SEEDS[0],)}
    assert "More epochs (epochs): +21.0 points on one seed" in found.tried
    assert found.cost == "5 trainings of one seed, 0 s."


def test_a_gain_within_chance_is_no_direction(report, original):
    """Where nothing reaches the bar, a clear gain is named, and one that seeds differ by is not."""
    clear = directions.find(report, original, trainer([], up=0.80), lambda: 0.0)
    assert clear.sentence == "a larger learning rate: +10.0 points on one seed." and clear.helps
    noise = directions.find(report, original, trainer([], up=0.701), lambda: 0.0)
    assert noise.sentence.startswith("none of these helps clearly: a smaller learning rate, ") and not noise.helps


def test_a_regressions_gain_is_in_dollars_and_says_which_way_is_better(report, original):
    """A change that lowers the error has a minus sign, is the direction, and says that less is better."""
    assignment = original.settings.assignment
    priced = replace(assignment, bar=replace(assignment.bar, metric="rmse", unit="$1"))
    seeds = (TriedSeed(seed=SEEDS[0], score=69_503.0, original=125_436.0, history={}, epochs=1),)
    tried = Tried(variant=Variant(epochs=100), change="100 epochs instead of 2", sentence="", effect=Effect.UNKNOWN,
                  seeds=seeds, parameters=1, gain=55_933.0)  # fmt: skip
    outcomes = [
        directions.Outcome("a smaller learning rate", replace(tried, gain=-77_752.0), reaches=False),
        directions.Outcome("more epochs", tried, reaches=False),
    ]
    about = replace(original, settings=replace(original.settings, assignment=priced))
    found = directions.direction(outcomes, 2, report, about, 0.0)
    assert found.sentence == "more epochs: −$55,933 on one seed (less is better)." and found.helps
    assert "+$77,752 on one seed (less is better)" in found.tried[0]


def test_the_price_is_capped(report, original):
    """After a minute no further change is tried, and the cost says how many were not."""
    asked, now = [], iter(range(0, 1_000, 45))
    found = directions.find(report, original, trainer(asked), lambda: next(now))
    assert len(asked) == 1
    assert found.cost == "1 training of one seed, 135 s; 4 more were not tried, for lack of time."


def test_a_batch_keeps_the_direction_with_the_evidence(tmp_path, assignment, make):
    """With --advice a batch trains a few changes of a network below the bar, in the clean guest, and shows the
    direction to demonstrators, not to students; the next batch and judging again show it without training."""
    data = small_data(assignment)
    practical = Practical(data, make)
    model = practical.model(architecture=with_dropout(make))
    sandbox = FakeSandbox(practical.guest({"good": lambda: practical.hand_in(model)}, is_good=False))
    settings = RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.9), baselines=dict.fromkeys(SEEDS, 0.5))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.ipynb").write_text("good")
    out = tmp_path / "out"

    def check(advises):
        about = (choice.find(tmp_path / "in"), settings, reference, out)
        with ThreadPoolExecutor(1) as executor:
            told = (lambda name: lambda stage, step: None, lambda *end: None, places.Pool(sandbox))
            return batch.run(*about, executor, *told, advises=advises).reports[0]

    def jobs():
        return [job for box in sandbox.boxes for job, _ in box.jobs]

    assert check(False).direction is None
    before = len(jobs())
    report = check(True)
    assert report.direction.sentence.startswith("none of these helps clearly")
    assert {type(job) for job in jobs()[before:]} == {RetrainJob} and len(jobs()) - before == len(
        report.direction.tried
    )
    done = len(jobs())
    assert check(True).direction == check(False).direction == report.direction
    (judged,) = batch.judge_again(settings, reference, out, lambda *end: None).reports
    assert judged.direction == report.direction and len(jobs()) == done
    assert "none of these helps clearly" in (out / "reports" / "ada.html").read_text()
    assert "none of these helps clearly" not in (out / "students" / "ada.html").read_text()
