"""Scenes by the thousand with their truth: a flat world in metres, a pinhole camera, a detector with real faults."""
