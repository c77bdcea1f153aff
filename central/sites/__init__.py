"""Sites at central: their areas, and the versions of their files that events name."""
