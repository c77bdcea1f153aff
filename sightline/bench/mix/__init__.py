"""The county mix: streets composed from real video, and when what happens in them."""
