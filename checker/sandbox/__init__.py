"""Where a guest runs: one small protocol (``boxes``), the walls behind it, and the ``kinds`` that there are.

A ``Sandbox`` opens ``Boxes``. A ``Box`` runs jobs, one after the other, and tells of each how it ended. A guest that
fails is a result (``Execution``). A sandbox that fails is a ``HarnessError``.

A caller hands a job's frames in and receives the guest's frames while it runs. The callback may raise
``EvidenceError``: the box is then ended, as it is for a limit reached. This package may import ``wire`` and what is
below.
"""
