"""Labelled scenes against what the rules say of them: precision, recall, abstentions, times (issue 3, item 6)."""
