"""The order of names: as in a list of people, not by character codes."""

import unicodedata


def place(name: str) -> tuple[str, str]:
    """Return a sort key for a name that ignores accents and capitals; names that differ only in these keep an order."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(one for one in letters if not unicodedata.combining(one)).casefold(), name
