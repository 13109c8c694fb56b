"""Words on the origin of weights: the guest writes them, ``judge`` and ``report`` recognise them."""

_UNKNOWN = "cannot tell where they come from"
ELSEWHERE = f"the checker {_UNKNOWN}"
"""Ends the reason why a network is not rebuilt: neither its initialisers nor a training gave its first weights."""


def is_said_in(words: str) -> bool:
    """Tell whether a sentence says that the source of weights is unknown."""
    return _UNKNOWN in words


def in_sentences(reason: str) -> str:
    """Return the reason why a network is not trained again, as sentences."""
    reason = reason.rstrip(".")
    held, is_unknown, _ = reason.partition(f", and {ELSEWHERE}")
    if not is_unknown:
        return f"The checker did not train the network again: {reason}."
    return (
        f"{held[:1].upper()}{held[1:]}. {ELSEWHERE[:1].upper()}{ELSEWHERE[1:]}, so it did not train the network again."
    )
