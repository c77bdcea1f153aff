"""Recording: packets as cameras send them, in segments on disk, and an index of what is there, what is not, and why."""
