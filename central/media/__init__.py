"""Stills and clips by content: stored under their SHA-256, verified while they arrive."""
