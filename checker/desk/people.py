"""The people at the desk: one-time links, and the sessions that begin with them. None of this is stored."""

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace

from checker.formats.text import one_line

LONGEST = 80
"""Maximum number of characters of a demonstrator's name."""
MOST_LINKS = 100


@dataclass(frozen=True)
class Session:
    """A browser of a person. ``token``: the token that each of its forms must contain. ``is_named``: the name came with
    the link, so it cannot be changed."""

    id: str
    name: str
    token: str
    is_named: bool = False


class People:
    """Unused links, and sessions. Several threads may use them. Secrets are kept as hashes only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, tuple[str, bool]] = {}
        self._sessions: dict[str, Session] = {}

    def invite(self, name: str, is_named: bool = False) -> str:
        """Return the secret of a link that lets one browser in, once. Beyond ``MOST_LINKS`` the oldest is dropped."""
        secret = secrets.token_urlsafe(24)
        with self._lock:
            self._links[_key(secret)] = (one_line(name, LONGEST), is_named)
            while len(self._links) > MOST_LINKS:
                del self._links[next(iter(self._links))]
        return secret

    def enter(self, secret: str) -> tuple[str, Session] | None:
        """Begin a session with a link's secret. The link is then used up. Return the cookie's value and the session;
        None if there is no such link."""
        with self._lock:
            known = self._links.pop(_key(secret), None)
            if known is None:
                return None
            name, is_named = known
            session = Session(secrets.token_hex(8), name, secrets.token_urlsafe(24), is_named)
            cookie = secrets.token_urlsafe(24)
            self._sessions[_key(cookie)] = session
            return cookie, session

    def of(self, cookie: str) -> Session | None:
        """Return the session of a cookie's value; None if there is none."""
        with self._lock:
            return self._sessions.get(_key(cookie))

    def rename(self, session: Session, name: str) -> Session:
        """Change a session's name, if it may be changed."""
        wanted = one_line(name.strip(), LONGEST)
        if session.is_named or not wanted:
            return session
        renamed = replace(session, name=wanted)
        with self._lock:
            for key, one in self._sessions.items():
                if one.id == session.id:
                    self._sessions[key] = renamed
        return renamed


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
