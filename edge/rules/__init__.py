"""The law of the road as pure objects: tracks and time in, decisions out. No clock, file, network or picture."""
