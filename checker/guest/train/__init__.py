"""The clean guest: it trains a network from plain data. It never imports the hooks that watch students' code."""
