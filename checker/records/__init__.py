"""The frozen records that flow through the checker, in the order of the journey."""
