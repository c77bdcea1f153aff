"""What became of the candidates, in figures: facts kept beside the cases, reports made from them, and their files."""
