"""Lists that the authority hands over, taken in whole or not at all, and what they say of a vehicle."""
