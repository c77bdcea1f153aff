"""The JSON side of central's HTTP front: thin routes over the services."""
