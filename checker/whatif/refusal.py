"""The error for a variant that cannot be tried."""

from checker.errors import UsageError


class RefusedError(UsageError):
    """The variant cannot be tried. The message gives the reason, in words for the page."""
