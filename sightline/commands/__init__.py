"""One module a command group; each exposes `app`, and imports the heavy things only inside its functions."""
