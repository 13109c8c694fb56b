"""Timestamps as platforms write them: with a time zone, or naive.

All input is untrusted, so a timestamp that cannot be parsed is None, never an exception.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

YEARS = range(1990, 2200)
MONTHS = (
    "January|Januar|enero|janvier|gennaio|januari|janeiro|января",
    "February|Februar|febrero|février|febbraio|februari|fevereiro|февраля",
    "March|März|marzo|mars|maart|março|марта",
    "April|abril|avril|aprile|апреля",
    "May|Mai|mayo|maggio|mei|maio|мая",
    "June|Juni|junio|juin|giugno|junho|июня",
    "July|Juli|julio|juillet|luglio|julho|июля",
    "August|agosto|août|augustus|августа",
    "September|septiembre|septembre|settembre|setembro|сентября",
    "October|Oktober|octubre|octobre|ottobre|outubro|октября",
    "November|noviembre|novembre|novembro|ноября",
    "December|Dezember|diciembre|décembre|dicembre|dezembro|декабря",
)
"""Month names, in the languages of Moodle's worksheets."""

_STAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?\s*(?P<zone>[A-Za-z0-9_+:/-]{0,40})",
    re.ASCII,
)
_WORDS = re.compile(
    r"\b(?P<day>[0-9]{1,2})\.? (?:de )?(?P<month>[^\W\d_]+)\.? (?:de )?(?P<year>[0-9]{4}),?"
    r"(?: at| um| à)? (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?: ?(?P<half>[AP])\.?M\.?)?",
    re.IGNORECASE,
)


def of_stamp(text: str) -> datetime | None:
    """Parse a timestamp of nbgrader or Gradescope, such as ``2015-02-02 14:58:23.948203 America/Los_Angeles``. Without
    a zone it is in UTC, as in nbgrader."""
    match = _STAMP.fullmatch(text.strip())
    zone = _zone(match["zone"]) if match else None
    if match is None or zone is None:
        return None
    naive = of_iso(f"{match['day']}T{match['time']}")
    return naive.replace(tzinfo=zone) if naive else None


def of_iso(text: str) -> datetime | None:
    """Parse an ISO 8601 timestamp, with or without a zone."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.year in YEARS else None


def of_words(text: str) -> datetime | None:
    """Parse a timestamp of Moodle in any of its languages, such as ``Monday, 26 October 2026, 4:55 PM``. The result is
    naive."""
    match = _WORDS.search(" ".join(text.split()))
    month = _month(match["month"]) if match else None
    if match is None or month is None or int(match["year"]) not in YEARS:
        return None
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    try:
        return datetime(int(match["year"]), month, int(match["day"]), hour, int(match["minute"]))
    except ValueError:
        return None


def _month(word: str) -> int | None:
    """Return the number of a month from its name or a prefix of it; None if no month matches, or several do."""
    word = word.casefold()
    found = {at for at, names in enumerate(MONTHS, start=1) if any(n.startswith(word) for n in _names(names))}
    return found.pop() if len(found) == 1 and len(word) > 2 else None


def _names(names: str) -> list[str]:
    return names.casefold().split("|")


def _zone(name: str) -> tzinfo | None:
    if name in ("", "Z"):
        return UTC
    if offset := re.fullmatch(r"([+-])(\d\d):?(\d\d)", name):
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(away if offset[1] == "+" else -away) if away < timedelta(days=1) else None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone, an invalid name, a folder of zones
        return None
