"""The clean guest: it trains a network from plain data. It never imports what watches students' code."""
