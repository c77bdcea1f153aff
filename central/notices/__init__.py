"""What the party is told and what they say: notices, letters, the public page, objections and their answers."""
