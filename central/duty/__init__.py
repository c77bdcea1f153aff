"""Alarms of polling stations reach people who are not looking: duty roster, escalation, notices, rehearsal."""
