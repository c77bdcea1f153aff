"""The one web front: pages for officers, rendered here, kept alive by htmx and small modules of our own."""
