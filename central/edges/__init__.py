"""Boxes at the roadside: how they are let in, and how they prove who they are."""
