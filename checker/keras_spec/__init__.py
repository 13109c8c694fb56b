"""Networks and their training as plain data: which classes of Keras are allowed, what an architecture is, what a
recipe is. It may import records and errors."""
