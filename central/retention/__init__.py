"""How long what is kept: when a case's time has come, what then goes, and the certificate that says so."""
