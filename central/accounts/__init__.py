"""People of the governance centre: accounts, sessions, roles, and who viewed what."""
