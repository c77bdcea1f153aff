"""Workflows as tables: what leads from which state to which, who may do it, what stands in the way, and until when."""
