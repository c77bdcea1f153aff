"""What edge and central agree on, and nothing else: events, topics, site files, sealing.

Imports neither side. A change here is a change of the protocol: it needs a new schema version or must be
readable by yesterday's peers.
"""
