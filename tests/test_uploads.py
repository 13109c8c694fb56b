"""Uploads: whose files are whose in what platforms give for download, and what a zip may not do."""

import io
import os
import stat
import zipfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile, ZipInfo

import pytest

from checker.errors import HarnessError, UsageError
from checker.gather import execution
from checker.judge import blame
from checker.records.codec import to_json
from checker.records.submission import Identity, Platform
from checker.records.verdicts import Verdict
from checker.submissions import choice, uploads

FAIL, REFER = Verdict.FAIL, Verdict.REFER


@pytest.fixture
def hand_in(tmp_path):
    """Make a zip of these names, each file with its own name as content; return its submissions by name."""

    def make(*names, **contents):
        path = tmp_path / "course.zip"
        with ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, name)
            for name, content in contents.items():
                archive.writestr(name, content)
        return {found.name: found for found in choice.find(path)}

    return make


def info(name, **more):
    """A member with a date of its own, so that warnings and clocks stay out of it."""
    made = ZipInfo(name, date_time=(2026, 1, 31, 12, 0, 0))
    for key, value in more.items():
        setattr(made, key, value)
    return made


def what(found):
    """A submission's file, or why there is none."""
    return found.member if found.failure is None else (blame.VERDICTS[found.failure.cause], found.failure.rationale)


# -- Moodle ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "name", "number"),
    [
        ("Ada Lovelace_12345_assignsubmission_file/tick1.ipynb", "Ada Lovelace", "12345"),
        ("Ada Lovelace_12345_assignsubmission_file_/tick1.ipynb", "Ada Lovelace", "12345"),
        ("Ada Lovelace_12345_assignsubmission_file/my work/deep/tick1.ipynb", "Ada Lovelace", "12345"),
        ("Ada Lovelace_12345_assignsubmission_file_tick1.ipynb", "Ada Lovelace", "12345"),
        ("Ada Lovelace_12345_assignsubmission_file__tick_1_2.ipynb", "Ada Lovelace", "12345"),
        ("Participant_12345_assignsubmission_file/tick1.ipynb", "Participant", "12345"),
        ("Участник_12345_assignsubmission_file/tick1.ipynb", "Участник", "12345"),
        ("Zoë OBrien-Núñez_7_assignsubmission_file/übung.ipynb", "Zoë OBrien-Núñez", "7"),
        ("Group A_77_assignsubmission_file/tick1.ipynb", "Group A", "77"),
        ("Group A-Ada Lovelace_12345_assignsubmission_file/tick1.ipynb", "Group A-Ada Lovelace", "12345"),
        ("Default group_assignsubmission_file/tick1.ipynb", "Default group", ""),
        ("Default group_assignsubmission_file_tick1.ipynb", "Default group", ""),
    ],
)
def test_moodle_names(hand_in, member, name, number):
    """Every way in which Moodle names a submission's file gives the name and the number that it begins with."""
    (found,) = hand_in(member).values()
    assert found.identity == Identity(platform=Platform.MOODLE, number=number, name=name)
    assert found.name == f"{name} {number}".strip()
    assert (found.member, found.is_notebook, found.failure) == (member, True, None)
    assert choice.read(found) == member.encode()


def test_what_moodle_gives_of_one_student_is_one_submission(hand_in):
    """Files, text typed online and its pictures are one student's; the notebook among them is checked."""
    found = hand_in(
        "Ada_12_assignsubmission_file/tick1.ipynb",
        "Ada_12_assignsubmission_file/data/old.py",
        "Ada_12_assignsubmission_onlinetext/onlinetext.html",
        "Ada_12_assignsubmission_onlinetext/picture.png",
        "Ada_13_assignsubmission_file/tick1.ipynb",
        "Grace_14_assignsubmission_onlinetext/onlinetext.html",
    )
    assert list(found) == ["Ada 12", "Ada 13", "Grace 14"]
    assert "old.py" in found["Ada 12"].note
    assert what(found["Grace 14"])[0] is FAIL


def test_an_unpacked_download_is_read_the_same(tmp_path):
    """The folder that somebody unpacked tells as much as the zip."""
    place = tmp_path / "Ada Lovelace_12345_assignsubmission_file"
    place.mkdir()
    (place / "tick1.ipynb").write_text("{}")
    (found,) = choice.find(tmp_path)
    assert (found.name, found.identity.number) == ("Ada Lovelace 12345", "12345")


def test_names_in_no_encoding_can_be_stored(tmp_path):
    """A folder whose name is no text in any encoding is a submission like others, which can be written down."""
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Ada\xff_12_assignsubmission_file"))
    place.mkdir()
    (place / "t.py").write_text("x = 1")
    (found,) = choice.find(tmp_path)
    assert found.identity.name == "Ada\\xff"
    assert b"Ada" in to_json(execution.as_stored(found))


def test_several_attempts(tmp_path):
    """Of several notebooks under one number the one changed last is checked, and the note names the others."""
    with ZipFile(tmp_path / "c.zip", "w") as archive:
        for year, name in ((2025, "b_first"), (2027, "c_last"), (2026, "a_second")):
            member = ZipInfo(f"Ada_1_assignsubmission_file_{name}.ipynb", (year, 1, 1, 0, 0, 0))
            archive.writestr(member, name)
    (found,) = choice.find(tmp_path / "c.zip")
    assert choice.read(found) == b"c_last"
    assert "a_second.ipynb, b_first.ipynb" in found.note


def test_what_somebody_put_beside_moodles_files(hand_in):
    """A file in the zip that Moodle has not named is a submission of its own, or none if it is no solution."""
    found = hand_in("Ada_1_assignsubmission_file/t.py", "late/grace.py", "linus.ipynb", "read me.txt")
    assert list(found) == ["Ada 1", "late", "linus"]


# -- the others --------------------------------------------------------------------------------------------


def test_canvas(hand_in):
    """Canvas's flat names give user, lateness and the last attachment; also anonymous, and text typed in."""
    found = hand_in(
        "lovelaceada_LATE_1234_98765_tick1.ipynb",
        "lovelaceada_LATE_1234_98799_tick1-1.ipynb",
        "hoppergrace_22_98760_my_notes_1_2.pdf",
        "anon_Xy3kP_98000_tick1.ipynb",
        "turingalan_5_text.html",
    )
    assert list(found) == ["anon Xy3kP", "hoppergrace 22", "lovelaceada 1234", "turingalan 5"]
    ada = found["lovelaceada 1234"]
    assert ada.identity == Identity(platform=Platform.CANVAS, number="1234", name="lovelaceada", is_late=True)
    assert ada.member == "lovelaceada_LATE_1234_98799_tick1-1.ipynb"
    assert what(found["hoppergrace 22"]) == (
        FAIL,
        "The upload holds no notebook (.ipynb) or module (.py), only my_notes_1_2.pdf.",
    )


@pytest.mark.parametrize("number", ["1", "2026"])
def test_names_that_only_look_like_canvas(hand_in, number):
    """Files that people have named with numbers are a submission each."""
    assert len(hand_in(f"tick_4_{number}_ada.py", f"tick_4_{number}_grace.py")) == 2


METADATA = """---
submission_77:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@example.org
  - :name: "Grace Hopper"
    :sid: '43'
    :email: grace@example.org
  :created_at: 2026-01-31 12:00:00.123 Z
  :results:
    :output: |
      :name: Mallory
      :submitters:
  :history:
  - :id: 5
    :created_at: 2025-01-01 00:00:00.0 Z
submission_78:
  :submitters:
  - :name: Alan Turing
"""


def test_gradescope(hand_in):
    """Gradescope's metadata tells who is behind a folder's number, and no program's output can."""
    place = "assignment_9_export"
    contents = {f"{place}/submission_metadata.yml": METADATA, f"{place}/submission_77/a.py": "", f"{place}/x/b.py": ""}
    found = hand_in(f"{place}/submission_78/tick.ipynb", **contents)
    assert list(found) == ["Ada Lovelace, Grace Hopper 77", "Alan Turing 78", "x"]
    assert found["Ada Lovelace, Grace Hopper 77"].identity == Identity(
        platform=Platform.GRADESCOPE,
        number="77",
        name="Ada Lovelace, Grace Hopper",
        email="ada@example.org, grace@example.org",
        submitted_at="2026-01-31 12:00:00.123 Z",
    )


@pytest.mark.parametrize("place", ["course", "course/submitted"])
def test_nbgrader(tmp_path, place):
    """A course's folder, or its folder ``submitted``, gives students and when they handed in."""
    for student in ("ada", "grace"):
        folder = tmp_path / "course" / "submitted" / student / "tick4"
        folder.mkdir(parents=True)
        (folder / "tick4.ipynb").write_text("{}")
        (folder / "timestamp.txt").write_text("2015-02-02 14:58:23.948203 America/Los_Angeles\n")
    (tmp_path / "course" / "source" / "tick4").mkdir(parents=True)
    (tmp_path / "course" / "source" / "tick4" / "tick4.ipynb").write_text("the solution")
    ada, grace = choice.find(tmp_path / place)
    assert (ada.name, grace.name) == ("ada", "grace")
    assert ada.identity.submitted_at == "2015-02-02 14:58:23.948203 America/Los_Angeles"
    assert choice.read(ada) == b"{}"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["ada/t.py", "grace/t.py"], ["ada", "grace"]),
        (["all/ada/t.py", "all/grace/t.py"], ["ada", "grace"]),
        (["course/ada.py", "course/grace.py"], ["ada", "grace"]),
        (["ada/t.py", "ada/u.py"], ["ada"]),
        (["ada.py", "grace.ipynb", "__MACOSX/._ada.py", ".hidden.py"], ["ada", "grace"]),
        (["ada/essay.pdf", "grace/t.py"], ["ada", "grace"]),
    ],
)
def test_plain_zips(hand_in, names, found):
    """A zip of folders or files is read as the folder is, whether or not all lies in one folder more."""
    assert list(hand_in(*names)) == found


def test_students_whose_names_differ_by_case_are_two(hand_in):
    """``Anna`` and ``anna``, and files of one student that differ by case, stay apart."""
    found = hand_in("Anna/T.py", "Anna/t.py", "anna/t.py")
    assert list(found) == ["Anna", "anna"]


# -- what a zip may not do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../ada/t.py", "/ada/t.py", "C:\\ada\\t.py", "..\\ada\\t.py", "ada/../../../t.py", "ada/t.py\0/t.py"]
)
def test_a_path_that_leads_out_is_not_read(tmp_path, name):
    """A member whose path leads out of the zip is referred, in words; the others are checked."""
    with ZipFile(tmp_path / "c.zip", "w") as archive:
        member = info("x")
        member.filename = name  # zipfile would mend it
        archive.writestr(member, "x = 1")
        archive.writestr("grace/t.py", "x = 1")
    found = choice.find(tmp_path / "c.zip")
    assert [s.name for s in found if s.failure is None] == ["grace"]
    (slipped,) = [s for s in found if s.failure is not None]
    assert what(slipped)[0] is REFER
    assert "its path leads out of the zip" in what(slipped)[1]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["c.zip"]


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """A member that unpacks to hundreds of times its size is referred without being read."""
    with ZipFile(tmp_path / "c.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("ada/t.ipynb", bytes(32 * 2**20))
        archive.writestr("grace/t.ipynb", b"{}" + b" " * 2**19)
    ada, grace = choice.find(tmp_path / "c.zip")
    assert what(ada)[0] is REFER
    assert "would unpack to 32 MiB from" in what(ada)[1]
    assert grace.failure is None


def test_many_large_members_are_not_all_unpacked(hand_in, monkeypatch):
    """Where all chosen members together are too much, the largest are referred, and the others are checked."""
    monkeypatch.setattr(choice, "MAX_TOTAL_BYTES", 100)
    found = hand_in(**{"ada/t.py": "x" * 80, "grace/t.py": "x" * 10, "linus/t.py": "x" * 20})
    assert [s.failure is None for s in found.values()] == [False, True, True]
    assert "among the largest" in what(found["ada"])[1]


def test_a_member_that_is_too_large_is_cut(hand_in, monkeypatch):
    """Of a member that is too large only the beginning is ever read, and the note says what to do."""
    monkeypatch.setattr(choice, "MAX_BYTES", 100)
    found = hand_in(**{"ada/t.ipynb": "x" * 101})
    assert len(choice.read(found["ada"])) == 100
    assert "clear its outputs" in found["ada"].note


def test_a_link_is_not_followed(tmp_path):
    """A link in a zip is no notebook."""
    with ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr(info("ada/t.py", external_attr=(stat.S_IFLNK | 0o777) << 16), "/etc/passwd")
        archive.writestr("grace/t.py", "")
    ada, grace = choice.find(tmp_path / "c.zip")
    assert what(ada) == (REFER, "t.py could not be read: it is a link.")
    assert grace.failure is None


def test_a_member_that_is_encrypted_or_packed_otherwise(tmp_path):
    """Encrypted members, and methods of packing that no platform uses, are referred in words."""
    path = tmp_path / "c.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("ada/t.py", "x = 1")
        archive.writestr("grace/t.py", "x = 1", ZIP_LZMA)
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # ada's, local and central
        content[content.index(mark) + flags] |= 1
    path.write_bytes(content)
    ada, grace = choice.find(path)
    assert what(ada) == (REFER, "t.py could not be read: it is encrypted.")
    assert what(grace) == (REFER, "t.py could not be read: it is packed in a way that is not read here.")


def test_a_damaged_member_loses_nobody_else(tmp_path):
    """A member whose bytes are not what they were is referred, and the others are checked."""
    path = tmp_path / "c.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("ada/t.py", "x = 'unharmed'")
        archive.writestr("grace/t.py", "x = 1")
    path.write_bytes(path.read_bytes().replace(b"unharmed", b"damaged!"))
    ada, grace = choice.find(path)
    assert what(ada)[0] is REFER
    assert "CRC" in what(ada)[1]
    assert choice.read(grace) == b"x = 1"


def test_a_readable_file_is_taken_before_one_that_is_not(tmp_path):
    """If a student's notebook is a link and a module is whole, the module is checked, and the note says why."""
    with ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr(info("ada/t.ipynb", external_attr=(stat.S_IFLNK | 0o777) << 16), "elsewhere")
        archive.writestr("ada/u.py", "x = 1")
    (ada,) = choice.find(tmp_path / "c.zip")
    assert choice.read(ada) == b"x = 1"
    assert "t.ipynb (it is a link)" in ada.note


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice(hand_in):
    """Of two members with the same path the later counts, as it does when a zip is unpacked, and the note says so."""
    found = hand_in("ada/t.py", **{"ada/t.py": "later"})
    assert choice.read(found["ada"]) == b"later"
    assert found["ada"].note == "t.py: it is in the zip twice."


@pytest.mark.parametrize(
    ("raw", "flag", "name"),
    [
        ("Zoë_1".encode(), True, "Zoë 1"),
        ("Zoë_1".encode(), False, "Zoë 1"),
        ("Zoë_1".encode("cp437"), False, "Zoë 1"),
        (b"Zo\x93_1", False, "Zoô 1"),
    ],
)
def test_encodings_of_names(tmp_path, raw, flag, name):
    """Names are read as UTF-8 where the zip says so or where they are, and as cp437 else."""
    stand_in = b"z" * len(raw)
    path = tmp_path / "c.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr(stand_in.decode() + "_assignsubmission_file/t.py", "x = 1")
    content = bytearray(path.read_bytes().replace(stand_in, raw))
    for mark, flags in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        content[content.index(mark) + flags] |= 8 if flag else 0
    path.write_bytes(content)
    (found,) = choice.find(path)
    assert found.name == name
    assert choice.read(found) == b"x = 1"


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 the beginning of one"])
def test_what_is_no_zip(tmp_path, content):
    """A file that only calls itself a zip is wrong usage, in words."""
    (tmp_path / "c.zip").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as a zip"):
        choice.find(tmp_path / "c.zip")


def test_a_zip_of_very_many_files(hand_in, monkeypatch):
    """A zip of more members than any course has is refused before anything is looked at."""
    monkeypatch.setattr(uploads, "MOST_MEMBERS", 3)
    with pytest.raises(UsageError, match="holds 4 files, too many"):
        hand_in("a/t.py", "b/t.py", "c/t.py", "d/t.py")


def test_a_zip_that_has_gone_is_the_harness_affair(hand_in, tmp_path):
    """A zip that is replaced while a batch runs is not booked on the student."""
    found = hand_in("ada/t.py")["ada"]
    with ZipFile(tmp_path / "course.zip", "w") as archive:
        archive.writestr("grace/t.py", "")
    with pytest.raises(HarnessError, match=r"cannot be read from course\.zip"):
        choice.read(found)


def test_any_bytes_are_a_zip_or_are_refused(tmp_path):
    """Whatever single byte of a zip is changed, submissions are found or refused in words, never with an exception."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr("Ada_1_assignsubmission_file/t.py", "x = 1\n" * 20)
    path = tmp_path / "c.zip"
    for at in range(len(packed.getvalue())):
        content = bytearray(packed.getvalue())
        content[at] ^= 0xFF
        path.write_bytes(content)
        try:
            found = choice.find(path)
        except UsageError:
            continue
        for one in found:
            assert isinstance(one.name, str)
            assert one.failure is not None or choice.read(one)


def test_nothing_of_a_zip_is_left_on_disk(hand_in, tmp_path):
    """Finding and reading writes no file."""
    found = hand_in("ada/t.py")
    choice.read(found["ada"])
    assert [path.name for path in Path(tmp_path).iterdir()] == ["course.zip"]
    assert zipfile.is_zipfile(tmp_path / "course.zip")


def test_a_folder_with_the_zip_in_it(hand_in, tmp_path):
    """If the folder that holds the zip is named, the message says to name the zip."""
    hand_in("ada/t.py")
    with pytest.raises(UsageError) as refused:
        choice.find(tmp_path)
    assert "course.zip" in refused.value.help


# -- whoever handed in nothing that can be run -----------------------------------------------------------------


def test_a_student_without_a_notebook_is_there(tmp_path):
    """A student who handed in only a PDF is among the submissions, with what the upload holds."""
    for name in ("ada/essay.pdf", "grace/t.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    ada, grace = choice.find(tmp_path)
    assert what(ada) == (FAIL, "The upload holds no notebook (.ipynb) or module (.py), only essay.pdf.")
    assert (ada.sha256, grace.failure) == ("", None)


def test_a_course_of_pdfs_only_is_still_a_course(hand_in):
    """If the names come from a platform, all students are listed, even if none handed in a notebook."""
    found = hand_in("Ada_1_assignsubmission_file/essay.pdf")
    assert what(found["Ada 1"])[0] is FAIL
