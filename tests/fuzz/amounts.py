"""How many inputs parsers are tried on."""

import os

from hypothesis import HealthCheck, settings

MANY = int(os.environ.get("CHECKER_FUZZ_EXAMPLES", "0"))


def times(few):
    """So many examples in a run of the tests, or as many as a soak asks for."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=MANY or few, deadline=None, suppress_health_check=checks, derandomize=not MANY)
