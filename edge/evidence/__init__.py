"""Stills and clips of a decision, cut from the camera's own packets."""
