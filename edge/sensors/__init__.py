"""Sensors of a box: readings in from gateways, judged by `edge.rules.threshold`, alarms out to deliver."""
