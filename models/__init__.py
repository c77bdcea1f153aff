"""Which detector, where it comes from, how it is exported and checked."""
