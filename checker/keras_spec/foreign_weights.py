"""Words about where weights come from, which the guest writes and judge and report recognise."""

ELSEWHERE = "the checker did not see where they come from"
"""Ends the reason why a network is not rebuilt whose first weights neither its initialisers nor a training gave."""
