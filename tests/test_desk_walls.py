"""Whoever may not change anything cannot: each attack on the desk is refused, and what is hostile stays text."""

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from desks import Visitor, ask, open_desk, write_results
from reports import HOSTILE, a_fail, a_pass, poisoned

from checker.desk.walls import LARGEST, Address
from checker.formats import files
from checker.records.decisions import Choice
from checker.records.report import Unfinished

STUDENT = "/student/ada"
TICK = {"choice": "tick", "based_on": "0"}


@pytest.fixture
def desk(tmp_path: Path):
    """A desk with three students."""
    ends = [a_pass("ada"), a_fail("grace"), Unfinished("zoe", "The sandbox fell over.")]
    opened = open_desk(write_results(tmp_path, ends))
    yield opened
    opened.log.close()


@pytest.fixture
def ada(desk) -> Visitor:
    """A demonstrator at the desk."""
    return Visitor(desk)


def decided(desk) -> list[str]:
    return [str(one.choice) for one in desk.log.history("ada")]


# -- who asks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8400", "127.0.0.1", "127.0.0.1:8401", "127.0.0.1:8400.evil.example", ""]
)
@pytest.mark.parametrize("path", ["/", "/in/secret", "/static/desk.css", STUDENT])
def test_another_host_name_is_refused(ada: Visitor, host: str, path: str) -> None:
    """A name that only resolves to this machine gets nothing, with or without a cookie."""
    assert ada.get(path, Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost:8400", "LOCALHOST:8400", "[::1]:8400"])
def test_this_machine_has_several_names(ada: Visitor, host: str) -> None:
    """All names of the loopback address lead to the desk."""
    assert ada.get("/static/desk.css", Host=host).status == 200


def test_two_host_headers_are_refused(ada: Visitor) -> None:
    """A request with two Host headers gets nothing, whichever of them is right."""
    hosts = [("Host", "127.0.0.1:8400"), ("Host", "evil.example")]
    for headers in (hosts, hosts[::-1]):
        assert ask(ada.app, "GET", "/static/desk.css", headers).status == 421
    assert ask(ada.app, "GET", "/static/desk.css", hosts[:1]).status == 200


@pytest.mark.parametrize("path", ["/", "/next", STUDENT, "/results/reports/ada.html", "/events", "/nowhere"])
def test_nobody_sees_anything_without_a_session(desk, path: str) -> None:
    """Without the cookie every page is the same refusal, which says what to do and no student's name."""
    stranger = Visitor(desk, is_in=False)
    answer = stranger.get(path)
    assert answer.status == 403
    assert "checker desk" in answer.text and "ada" not in answer.text


def test_a_link_works_once(desk) -> None:
    """The first browser that opens a link is let in; the same link lets in nobody else."""
    secret = desk.people.invite("Ada")
    first, second = Visitor(desk, is_in=False), Visitor(desk, is_in=False)
    entered = first.get(f"/in/{secret}")
    cookie = entered.headers["set-cookie"]
    assert entered.status == 200
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and cookie.startswith("checker-desk-8400=")
    assert first.get("/").status == 200
    replayed = second.get(f"/in/{secret}")
    assert (replayed.status, "set-cookie" in replayed.headers) == (403, False)
    assert second.get("/").status == 403


def test_a_guessed_cookie_is_refused(desk) -> None:
    """A cookie that the desk has not set is none; nor is one with another port in its name."""
    stranger, cookie = Visitor(desk, is_in=False), desk.people.enter(desk.people.invite("Ada"))[0]
    stranger.cookies["checker-desk-8400"] = "x" * 32
    assert stranger.get("/").status == 403
    stranger.cookies.clear()
    stranger.cookies["checker-desk-8401"] = cookie
    assert stranger.get("/").status == 403


def test_a_link_on_another_site_leads_on(desk) -> None:
    """A page that another site led to without the cookie asks once more by itself, and only on this desk."""
    stranger = Visitor(desk, is_in=False)
    for path in ("/student/ada?a=1", "//student/ada?a=1", "/\\student/ada?a=1"):
        answer = stranger.get(path, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document")
        assert 'content="0; url=/student/ada?a=1"' in answer.text


# -- who changes ---------------------------------------------------------------------------------------------

FORGED = {
    "no origin": {"Origin": None},
    "another origin": {"Origin": "http://evil.example"},
    "no origin that can be named": {"Origin": "null"},
    "another port": {"Origin": "http://127.0.0.1:8401"},
    "another scheme": {"Origin": "https://127.0.0.1:8400"},
    "another name of this machine": {"Origin": "http://localhost:8400"},
    "another site, says the browser": {"Sec_Fetch_Site": "cross-site"},
    "a page beside ours, says the browser": {"Sec_Fetch_Site": "same-site"},
    "typed in, says the browser": {"Sec_Fetch_Site": "none"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("path", [f"{STUDENT}/decision", f"{STUDENT}/undo", f"{STUDENT}/answer", "/me", "/me/link"])
def test_no_other_site_changes_anything(desk, ada: Visitor, headers: dict[str, str], path: str) -> None:
    """A form that another site sends is refused, although it has the cookie and the token."""
    assert ada.post(path, TICK, **headers).status == 403
    assert decided(desk) == []


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_a_form_needs_its_token(desk, ada: Visitor, token: str) -> None:
    """A form without the token of this session is refused, and what was typed stands on the page."""
    answer = ada.post(f"{STUDENT}/decision", TICK | {"token": token, "note": "good <b>work"})
    assert (answer.status, decided(desk)) == (403, [])
    assert "good &lt;b&gt;work" in answer.text


def test_a_token_of_somebody_else_is_refused(desk, ada: Visitor) -> None:
    """The token of another session does not open this one."""
    other = Visitor(desk, "Grace")
    assert ada.post(f"{STUDENT}/decision", TICK | {"token": other.token}).status == 403
    assert decided(desk) == []


def test_a_session_that_ended_keeps_what_was_typed(desk) -> None:
    """After the desk was started again, an old page's form changes nothing, and its words come back."""
    stranger = Visitor(desk, is_in=False)
    answer = stranger.post(f"{STUDENT}/decision", TICK | {"note": "explains it well", "other": "scale inputs"})
    assert answer.status == 403 and decided(desk) == []
    assert "explains it well" in answer.text and "scale inputs" in answer.text


def test_our_own_form_is_taken(desk, ada: Visitor) -> None:
    """The same request with everything right saves a decision, with the name of the session."""
    for headers in ({}, {"Origin": None, "Sec_Fetch_Site": "same-origin"}):
        assert ada.post(f"{STUDENT}/decision", TICK | {"note": str(headers)}, **headers).status == 303
    assert decided(desk) == ["tick", "tick"]
    assert desk.log.history("ada")[0].by == "Ada"


@pytest.mark.parametrize("path", [f"{STUDENT}/decision?choice=tick", f"{STUDENT}/undo", "/me/link"])
def test_reading_changes_nothing(desk, ada: Visitor, path: str) -> None:
    """Addresses that change something answer nothing but forms."""
    assert ada.get(path).status == 405
    assert decided(desk) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(ada: Visitor, method: str) -> None:
    """The desk answers no preflight and no other method."""
    answer = ada.ask(method, STUDENT, Origin="http://evil.example")
    assert answer.status == 405
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_form_has_a_size(desk, ada: Visitor) -> None:
    """Forms that are too large, have too many fields or are of another kind are refused in words."""
    assert ada.post(f"{STUDENT}/decision", TICK | {"note": "x" * LARGEST}).status == 413
    assert ada.post(f"{STUDENT}/decision", {f"f{at}": "1" for at in range(1000)}).status == 413
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain", None):
        assert ada.post(f"{STUDENT}/decision", TICK, Content_Type=kind).status == 415
    assert decided(desk) == []


# -- what an answer allows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", STUDENT, "/nowhere", "/static/desk.js", "/in/wrong", "/results/reports/ada.html"]
)
def test_every_answer_forbids_what_it_can(ada: Visitor, path: str) -> None:
    """No answer may be framed, guessed at, or load anything from elsewhere; none opens the desk to other origins."""
    headers = ada.get(path).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "sandbox" in policy if path.startswith("/results/") else "default-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert not any(name.startswith("access-control") for name in headers)


def test_pages_hold_nothing_inline(ada: Visitor) -> None:
    """No page has a script, a style or a handler in its markup, which the policy would refuse."""
    for path in ("/", STUDENT, "/student/grace", "/student/zoe", "/nowhere"):
        page = ada.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script>", page), path


def test_a_mistake_of_ours_is_told_in_words(desk, ada: Visitor) -> None:
    """An error that nobody foresaw becomes a page behind the same walls, which shows nothing of our code."""
    del desk.results
    answer = ada.post(f"{STUDENT}/decision", TICK | {"note": "typed in vain"})
    assert answer.status == 500
    assert "typed in vain" in answer.text and "Traceback" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


# -- files of the results --------------------------------------------------------------------------------------

ESCAPES = (
    *(
        "/results/reports/../index.json",
        "/results/reports/..%2findex.json",
        "/results/reports/%2e%2e%2fdecisions.sqlite",
    ),
    *("/results/evidence/ada.json", "/results/reports/ada.json", "/results/decisions.sqlite", "/results/run.json"),
    *("/results/reports/nobody.html", "/results/reports/ada.html%00.py", "/results/reports//etc/passwd"),
    *("/results/..%5creports/ada.html", "/results/./reports/../../etc/passwd", "/results/reproduce/ada.html"),
    *("/static/../application.py", "/static/..%2fwalls.py", "/static/vendor/htmx.LICENSE", "/static//etc/passwd"),
)


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out(ada: Visitor, path: str) -> None:
    """Only pages and scripts of submissions are handed out, whatever dots and slashes a path has."""
    assert ada.get(path).status == 404


def test_no_link_leads_out(desk, ada: Visitor, tmp_path: Path) -> None:
    """A symbolic link among the results is not followed out of its folder, be it a file or the folder."""
    (tmp_path / "secret.html").write_text("secret")
    page = tmp_path / "reports" / "ada.html"
    page.unlink()
    page.symlink_to(tmp_path / "secret.html")
    assert ada.get("/results/reports/ada.html").status == 404
    os.rename(tmp_path / "students", tmp_path / "elsewhere")
    (tmp_path / "students").symlink_to(tmp_path / "elsewhere")
    assert ada.get("/results/students/ada.html").status == 404


def test_report_pages_are_in_a_sandbox_and_lead_back(ada: Visitor) -> None:
    """A report page is handed out without scripts, forms and origin, and has a link to the desk's page."""
    answer = ada.get("/results/reports/ada.html")
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert '<a href="/student/ada">' in answer.text
    assert ada.get("/results/index.html").headers["location"] == "/"


# -- hostile text ----------------------------------------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path: Path):
    """A desk on reports with hostile text in every field, and on a submission that was not finished."""
    reports = [poisoned(a_pass()), poisoned(a_fail())]
    reports[1] = replace(reports[1], submission=replace(reports[1].submission, name=f"b{HOSTILE}"))
    opened = open_desk(write_results(tmp_path, [*reports, Unfinished(f"c{HOSTILE}", HOSTILE)]))
    yield opened
    opened.log.close()


def test_hostile_text_is_only_text(hostile) -> None:
    """Names, outputs, notes, conditions and demonstrators' names with markup are shown, and are no markup."""
    visitor = Visitor(hostile, HOSTILE)
    for row in hostile.results.now().roster.rows:
        where = f"/student/{row.slug}"
        sent = {"choice": "resubmit", "note": HOSTILE, "other": HOSTILE, "condition": HOSTILE, "based_on": HOSTILE}
        assert visitor.post(f"{where}/decision", sent).status == 303
        assert visitor.post(f"{where}/answer", {"question": HOSTILE, "help": HOSTILE}).status == 303
        for path in (where, "/", f"/?text={quote(HOSTILE[:40])}"):
            page = visitor.get(path)
            assert page.status == 200
            assert "<script>alert" not in page.text and "<img src=x" not in page.text
            assert not any(mark in page.text for mark in ("\x1b", "\u202e", "\x9b"))


@pytest.mark.parametrize(
    "fields",
    [
        {"choice": "expelled"},
        {"choice": "<script>"},
        {"choice": "tick", "based_on": "-1e9", "note": "\x00\udfff".encode("utf-8", "surrogatepass").decode("latin-1")},
        {"choice": "tick", "based_on": "9" * 400},
        {"choice": "tick", "condition": "x" * 5000},
    ],
)
def test_nonsense_is_told_in_words(desk, ada: Visitor, fields: dict[str, str]) -> None:
    """A form with nonsense is refused in words, or saved as far as it makes sense; it never breaks a page."""
    answer = ada.post(f"{STUDENT}/decision", fields)
    assert answer.status in (303, 400)
    assert ada.get(STUDENT).status == 200


# -- addresses -------------------------------------------------------------------------------------------------


def test_a_name_beyond_this_machine_is_the_only_one() -> None:
    """With --host only that name is taken, with https and the port, or without it where it is the usual one."""
    assert Address("desk.example.org", 8443, True).origins == {"desk.example.org:8443": "https://desk.example.org:8443"}
    assert set(Address("desk.example.org", 443, True).origins) == {"desk.example.org:443", "desk.example.org"}
    assert set(Address("2001:db8::1", 8443, True).origins) == {"[2001:db8::1]:8443"}


def test_secrets_are_not_kept(desk, ada: Visitor) -> None:
    """Neither links nor cookies are kept in the desk's memory, only hashes of them."""
    secret = desk.people.invite("Grace")
    cookie = ada.cookies["checker-desk-8400"]
    kept = repr(vars(desk.people))
    assert secret not in kept and cookie not in kept


def test_a_choice_is_stored_under_the_students_name(desk, ada: Visitor) -> None:
    """What is saved names the student as the table of decisions does, and the file that was decided on."""
    ada.post(f"{STUDENT}/decision", TICK)
    entry = desk.log.newest()["ada"]
    assert (entry.choice, entry.submission) == (Choice.TICK, desk.results.report(files.slug("ada")).submission.sha256)
