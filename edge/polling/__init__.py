"""Health of a polling station's pictures (domain E2.4): looks at what recorders take and tells troubles."""
