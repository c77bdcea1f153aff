"""Content credentials: C2PA manifests on what leaves the office, which programs of others read too."""
