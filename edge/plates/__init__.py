"""Reading the number plate of the accused vehicle, and of nobody else."""
