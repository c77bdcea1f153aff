"""Evidence that leaves the house: made into one bundle by central, checked by anybody, offline."""
