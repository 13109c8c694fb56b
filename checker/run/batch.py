"""Check many submissions through any ``concurrent.futures`` executor, and reuse stored evidence.

Theory of operation: as soon as a submission ends, its evidence is stored, its page written, and the index shows it. If
the checker itself fails, the submission is tried once more. If that fails too, it is listed without a verdict, and the
next batch tries it anew. A submission runs in a ``Place``: on this machine (``Pool``), or on others (``cluster``).
Meanwhile everybody else's stored evidence is judged again, so that index and tables hold all that the folder holds.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from checker.errors import AssignmentError, EvidenceError, HarnessError, LostError, UsageError
from checker.formats import files
from checker.gather import execution, retraining, selection
from checker.records.codec import to_json
from checker.records.gathered import Gathered
from checker.records.report import Report, Unfinished
from checker.records.settings import ReferenceResults, RunSettings, Watch, unwatched
from checker.records.submission import Submission
from checker.report import html, paths, scripts
from checker.report.tables import light
from checker.run import answers, check, directions, earlier, keys, lock, processes, store
from checker.run.board import Board
from checker.run.keys import Keys, circumstances, evidence_keys
from checker.run.places import Place
from checker.run.store import Origin
from checker.run.tables import ALTERED, OUTDATED, End, name_of
from checker.whatif.directions import wanted

OnEnd = Callable[[str, End], None]
"""Called with each submission's name and result as it ends."""
EVIDENCE = "evidence"
ATTEMPTS = 2


@dataclass(frozen=True)
class Result:
    """Results of the submissions of a batch, in their order. ``in_index``: how many the folder's index has, with those
    of earlier batches. ``is_repeated``: all of them were in it before. ``told``: sentences about decisions."""

    reports: tuple[Report, ...]
    unfinished: tuple[Unfinished, ...]
    in_index: int = 0
    is_repeated: bool = field(default=False, compare=False)
    told: tuple[str, ...] = field(default=(), compare=False)

    @property
    def in_words(self) -> str:
        """How many were checked, and how many the index has; "" if it has no others."""
        checked = len(self.reports) + len(self.unfinished)
        again = "checked again" if self.is_repeated else "checked"
        return f"{checked:,} {again}, {self.in_index:,} in the index." if self.in_index > checked else ""

    @classmethod
    def of(cls, ended: Sequence[End], board: Board, told: Sequence[str] = ()) -> "Result":
        """Separate judged from unfinished submissions."""
        reports = tuple(end for end in ended if isinstance(end, Report))
        unfinished = tuple(end for end in ended if isinstance(end, Unfinished))
        is_repeated = all(board.had(name_of(end)) for end in ended)
        return cls(reports, unfinished, len(board), is_repeated, tuple(dict.fromkeys([*told, *board.told])))


def run(
    submissions: Sequence[Submission],
    settings: RunSettings,
    reference: ReferenceResults,
    out: Path,
    executor: Executor,
    watch: Callable[[str], Watch],
    on_end: OnEnd,
    place: Place,
    fresh: bool = False,
    advises: bool = False,
) -> Result:
    """Check all submissions in the boxes of a place. Write their pages and the index as they end, then the tables.

    Index and tables hold whatever else is stored in the folder, too; the result is about ``submissions`` alone. With
    ``advises``, changes that may help a submission below the bar are tried too. Raises AssignmentError if a rule
    cannot run at all. KeyboardInterrupt ends every box first; then index and tables are written with what has
    ended.
    """
    files.clear(out)
    board = Board(settings, out, [submission.name for submission in submissions])
    chosen = {files.slug(submission.name) for submission in submissions}
    under, ended = circumstances(settings), dict[str, End]()

    def one(submission: Submission) -> End:
        name = submission.name
        watched = board.watch(name, watch(name))
        return board.end(
            files.slug(name), _attempt(submission, settings, reference, out, place, watched, fresh, advises)
        )

    def other(stored: Path) -> End:
        return board.end(stored.name, _judge_stored(stored, under, settings, reference, out))

    with ThreadPoolExecutor(1) as beside:
        futures: dict[Future[End], str] = {}
        others: list[Future[End]] = []
        try:
            told = earlier.keep(out, board.known, submissions)
            futures |= {executor.submit(one, submission): submission.name for submission in submissions}
            others += [beside.submit(other, of) for of in store.places(out / EVIDENCE) if of.name not in chosen]
            for future in as_completed([*futures, *others]):
                end = future.result()
                if future in futures:
                    ended[futures[future]] = end
                    on_end(futures[future], end)
        except BaseException:
            board.stop()
            for future in (*futures, *others):
                future.cancel()
            raise
        finally:
            place.close()
            board.write()
    return Result.of([ended[submission.name] for submission in submissions], board, told)


def _attempt(
    submission: Submission,
    settings: RunSettings,
    reference: ReferenceResults,
    out: Path,
    place: Place,
    watch: Watch,
    fresh: bool,
    advises: bool,
) -> End:
    """Check one submission. If the checker itself fails, try again before reporting that."""
    message = ""
    for _ in range(ATTEMPTS):
        try:
            lock.restore_scratch()
            return _check(submission, settings, reference, out, place, watch, fresh, advises)
        except AssignmentError:
            raise
        except UsageError as error:
            return Unfinished(submission.name, error.message, submission.identity, is_usage=True)
        except Exception as error:  # noqa: BLE001  # our own failure; it must not stop other submissions
            message = _told(error)
            if isinstance(error, LostError):
                break
    return Unfinished(submission.name, message, submission.identity)


def _told(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and Path(str(error.filename)).is_relative_to(tempfile.gettempdir()):
        return (
            f"The folder for temporary files, {tempfile.gettempdir()}, was removed while it ran, more than once: leave "
            "that alone, and run the batch again."
        )
    expected = isinstance(error, HarnessError | OSError)
    return str(error) if expected else f"{type(error).__name__}: {error}"


def _check(
    submission: Submission,
    settings: RunSettings,
    reference: ReferenceResults,
    out: Path,
    place: Place,
    watch: Watch,
    fresh: bool,
    advises: bool,
) -> Report:
    settings = answers.respected(settings, submission, out)
    under, folder = evidence_keys(submission, settings, place.kind), out / EVIDENCE
    is_ours = store.origin(folder / files.slug(submission.name)) is Origin.OURS
    is_stored = is_ours and not fresh and submission.failure is None
    known = store.load(folder, submission.name, under) if is_stored else None
    ran = store.load_run(folder, submission.name, under) if is_stored and known is None else None
    if known is not None:
        gathered = as_handed_in(known, submission)
    elif ran is not None:
        _require_known(ran, settings)
        gathered = place.answer_again(as_handed_in(ran, submission), submission, settings, watch)
    else:
        gathered = _gather(submission, settings, place, watch)
    if known is None or gathered.evidence != known.evidence:
        _keep(gathered, submission, settings, out, under)
    _require_known(gathered, settings)
    report = _judge(gathered, settings, reference, out)
    if check.needs_further(report, settings):
        gathered = place.train_further(gathered, submission, settings, watch)
        _keep(gathered, submission, settings, out, under)
        report = _judge(gathered, settings, reference, out)
    stored = folder / files.slug(submission.name)
    if advises and wanted(report) and not directions.is_known(stored):
        directions.find(stored, gathered, report, settings, directions.trained_in(place, gathered, settings))
        report = _judge(gathered, settings, reference, out)
    return report


def make_answer(
    out: Path, slug: str, number: int, by: str, settings: RunSettings, reference: ReferenceResults, place: Place
) -> Report:
    """Make another network of a submission's file the answer, as ``by`` wants it: train it in the clean guest, judge
    it, and write its pages and the tables. The student's file does not run.

    Raises UsageError, in words, if it cannot be made the answer, or while another command works in the folder.
    """
    with lock.held(out):
        stored = out / EVIDENCE / slug
        if store.origin(stored) is not Origin.OURS:
            raise UsageError(ALTERED)
        try:
            run, ran = store.load_kept(stored, circumstances(settings))
        except (OSError, EvidenceError) as error:
            raise UsageError(OUTDATED) from error
        submission, choice = ran.evidence.submission, answers.choice_of(ran.evidence, number, by, settings)
        settings = replace(settings, model=answers.named(number))
        under = keys.answered(run, settings)
        gathered = place.answer_again(ran, submission, settings, unwatched)
        _keep(gathered, submission, settings, out, under)
        answers.store_choice(out, slug, choice)
        report = _judge(gathered, settings, reference, out)
        if check.needs_further(report, settings):
            gathered = place.train_further(gathered, submission, settings, unwatched)
            _keep(gathered, submission, settings, out, under)
            report = _judge(gathered, settings, reference, out)
        board = Board(settings, out)
        board.end(slug, report)
        board.write()
        return report


def _keep(gathered: Gathered, submission: Submission, settings: RunSettings, out: Path, under: Keys) -> None:
    """Store evidence, wherever it was gathered, and note its digest."""
    name = submission.name
    store.save(out / EVIDENCE, name, under, gathered, circumstances(settings))
    store.note_digest(out / EVIDENCE, name)


def _require_known(gathered: Gathered, settings: RunSettings) -> None:
    """Raise UsageError if the demonstrator named a network that the file does not have."""
    if unknown := selection.unknown_name(gathered.evidence.models, settings.model):
        raise UsageError(unknown)


def _gather(submission: Submission, settings: RunSettings, place: Place, watch: Watch) -> Gathered:
    if submission.failure is not None:
        return check.unread(submission, settings)
    return place.gather(submission, settings, watch)


def as_handed_in(gathered: Gathered, submission: Submission) -> Gathered:
    """Return the evidence with the file's current submission record; its path or identity may have changed."""
    number = execution.file_of(gathered.evidence.submission, submission)
    evidence = replace(gathered.evidence, submission=execution.as_checked(submission, number))
    return replace(gathered, evidence=evidence)


def _judge(gathered: Gathered, settings: RunSettings, reference: ReferenceResults, out: Path) -> Report:
    report = check.judge(gathered, settings, reference)
    if wanted(report):
        report = replace(report, direction=directions.read(out / EVIDENCE / files.slug(report.submission.name)))
    script = _write_script(gathered, report, settings, out)
    beside = f"../{paths.student_page_of(report.submission)}"
    files.write(out / paths.page_of(report.submission), html.render_page(report, "../index.html", beside, script))
    files.write(out / paths.student_page_of(report.submission), html.render_student_page(report))
    files.write(out / paths.record_of(report.submission), to_json(report))
    return report


def _write_script(gathered: Gathered, report: Report, settings: RunSettings, out: Path) -> str:
    """Write the script that trains the network again, and its features beside it. Return its path relative to the
    report's page, "" if there is no script."""
    try:
        script = scripts.render(gathered.evidence, report.comparison, settings.assignment, settings.dataset.note)
    except EvidenceError:  # no guest can build a network from this description
        script = None
    if script is None:
        return ""
    name = f"reproduce/{files.slug(report.submission.name)}"
    arrays = retraining.archive(gathered, settings)
    if not files.holds(out / f"{name}.npz", arrays):
        files.write(out / f"{name}.npz", files.zipped(**arrays))
    files.write(out / f"{name}.py", script)
    return f"../{name}.py"


def judge_again(settings: RunSettings, reference: ReferenceResults, out: Path, on_end: OnEnd) -> Result:
    """Judge all evidence in an output folder by the present assignment, and write all pages and tables.

    Evidence gets no verdict if it was gathered under other circumstances (another checker, other data, other caps), or
    is not as a batch stored it in this folder. A result whose evidence is gone stays in the tables as it is.
    """
    files.clear(out)
    board, ended = Board(settings, out), []
    stored = store.places(out / EVIDENCE)
    judge = partial(_judge_lightly, under=circumstances(settings), settings=settings, reference=reference, out=out)
    with processes.spread(judge, stored) as judged:
        for place, end in zip(stored, judged, strict=True):
            ended.append(board.end(place.name, end))
            on_end(name_of(end), end)
    board.write()
    return Result.of(ended, board)


def _judge_lightly(place: Path, under: str, settings: RunSettings, reference: ReferenceResults, out: Path) -> End:
    """Judge stored evidence; return the report without its bulk, which is on disk."""
    end = _judge_stored(place, under, settings, reference, out)
    return light(end) if isinstance(end, Report) else end


def _judge_stored(place: Path, under: str, settings: RunSettings, reference: ReferenceResults, out: Path) -> End:
    """Judge the evidence in a submission's folder, if it was gathered under these circumstances and is as a batch
    stored it."""
    name, identity, gathered = store.load_at(place, under)
    try:
        whence = store.origin(place)
        if whence is Origin.CHANGED or (whence is Origin.UNKNOWN and gathered is not None):
            is_its_own = files.slug(name) == place.name  # a copied folder still holds the other student's name
            return Unfinished(name, ALTERED, identity) if is_its_own else Unfinished(place.name, ALTERED)
        if gathered is None:
            return Unfinished(name, OUTDATED, identity)
        return _judge(gathered, settings, reference, out)
    except AssignmentError:
        raise
    except Exception as error:  # noqa: BLE001  # one submission's evidence must not stop the others' judgement
        return Unfinished(name, _told(error), identity)


def is_altered(out: Path, name: str) -> bool:
    """Whether a submission's evidence in an output folder differs from the evidence that the batch stored there.

    False if the list of digests or the evidence is missing, as in a folder that keeps only pages and tables.
    """
    place = out / EVIDENCE / files.slug(name)
    is_known = (out / store.DIGESTS).is_file() and store.holds(place)
    return is_known and store.origin(place) is not Origin.OURS
