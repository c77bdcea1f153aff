"""From sealed events to cases, and from a case to what an officer decided."""
