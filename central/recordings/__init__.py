"""Recordings of polling stations that are handed out: asked for, approved, fetched from the box, put together, kept."""
