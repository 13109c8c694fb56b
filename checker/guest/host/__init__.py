"""The guest's processes: the warm process, the client that drives a notebook, and the kernel that runs it."""
