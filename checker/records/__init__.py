"""The frozen records of the checker. They may import errors, and nothing else of the checker."""
