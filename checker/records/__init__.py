"""The frozen records that flow through the checker. They may import errors, and nothing else of the checker."""
