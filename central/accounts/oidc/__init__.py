"""Signing in with an OpenID provider of the office, where its settings name one."""
