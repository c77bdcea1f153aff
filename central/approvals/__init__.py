"""Four eyes: what one person asks for and another approves before it happens."""
