"""The pipeline of a submission, and everything around it: sessions, batches, places, stores, rules. It may import every
other package except ``commands``."""
