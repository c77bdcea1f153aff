"""Making the environment: what `make setup` runs, with nothing but the standard library of the system's Python."""
