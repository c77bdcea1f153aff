"""Cameras asked about themselves (ONVIF): their clock, what they notice, where their head points."""
