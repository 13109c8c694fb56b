"""Sandboxes for guests: one small protocol (``boxes``), its implementations, and their ``kinds`` by name.

A ``Sandbox`` opens ``Boxes``. A ``Box`` runs jobs, one after the other, and returns each job's ending. A guest that
fails is a result (``Execution``). A sandbox that fails is a ``HarnessError``.

A caller passes a job's frames in and receives the guest's frames while it runs. If the callback raises
``EvidenceError``, the box is ended, as it is at a limit. This package may import ``wire`` and the packages below it.
"""
