"""From a submission to its evidence: run the file, choose the answer, match its rows, train it again. It may import
``submissions``, ``sandbox`` and what is below, and never ``judge``."""
