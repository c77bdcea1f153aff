"""What runs in the governance centre: ingest -> tickets -> review, and the one web front. Never imports edge."""
