"""Alarms of sensors: opened by sealed events, taken and closed by people."""
