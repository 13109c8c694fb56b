"""The journey of a submission, and everything around it: sessions, batches, places, stores, rules. It may import every
other package but ``commands``."""
