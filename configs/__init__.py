"""Site files, jurisdiction profiles, broker and service settings; all of them run as they are."""
