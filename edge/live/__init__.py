"""Live view (domain E2): pictures of a polling station go to central while somebody watches, and only then."""
