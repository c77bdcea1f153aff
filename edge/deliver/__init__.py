"""The one process that owns the key, the chain and the outbox."""
