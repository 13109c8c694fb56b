"""Words about where weights come from, which the guest writes and judge and report recognise."""

ELSEWHERE = "its weights come from elsewhere"
"""Begins the reason why a network is not rebuilt whose weights no training of the file gave."""
