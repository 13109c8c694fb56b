"""The error for a variant that cannot be tried."""

from checker.errors import UsageError


class RefusedError(UsageError):
    """The variant cannot be tried; the message says why, in words for the page."""
