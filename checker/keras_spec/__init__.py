"""Networks and their training as plain data: the allow-list of Keras classes, architectures and recipes. This package
may import records and errors."""
