"""The ledger: everything admitted, decided, viewed and exported, in a Merkle tree that can only grow (RFC 9162)."""
