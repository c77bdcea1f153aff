"""What central remembers: typed tables, one engine, migrations. Nothing here is SQLite-only."""
