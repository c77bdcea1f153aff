"""Approved cases for the police system: a field map that is data, one archive, and what was handed over when."""
