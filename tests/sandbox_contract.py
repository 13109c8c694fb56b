"""The contract that every kind of sandbox must keep: what is asked of each hostile file in ``fixtures/hostile``.

A test module derives ``Contract`` for a kind and has it collected; ``checker.sandbox.trials`` runs the files.
"""

from functools import cache

import pytest

from checker.sandbox import kinds, trials

SNIPPETS = {s.name: s for s in trials.load()}


@cache
def tried(kind: str, names: tuple[str, ...]) -> dict[str, trials.Trial]:
    """Run snippets behind a kind of wall, all of them in two boxes."""
    chosen = [SNIPPETS[name] for name in names]
    return {trial.snippet.name: trial for trial in trials.run(kinds.choose(kind), chosen)}


class Contract:
    """One kind of sandbox; only the snippets whose tests were collected are run."""

    kind: str

    @pytest.fixture
    def trials(self, request):
        names = [item.callspec.params["name"] for item in request.session.items if item.cls is request.cls]
        return tried(self.kind, tuple(names))

    def test_promises_are_kept(self, trials, name):
        """Nothing was reached, nothing is left, the limits held, and the next job met a box like new."""
        trial = trials[name]
        assert not trial.broken, f"{trial.broken}\n{trial.text[-1_500:]}"
