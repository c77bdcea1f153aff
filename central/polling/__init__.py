"""Polling stations at central: ledgers of recordings, what is wrong with a picture, and who looks after it."""
