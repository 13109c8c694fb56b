"""From a submission to its evidence: run the file, choose the answer, match its rows, retrain it. This package may
import ``submissions``, ``sandbox`` and the packages below them, and never ``judge``."""
