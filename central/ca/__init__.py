"""Central's own small certificate authority: who may speak to the broker, and who no longer may."""
