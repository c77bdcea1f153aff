"""The way in: a message is judged, stored once, acknowledged after the commit, and becomes part of a case."""
