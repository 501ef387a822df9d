"""Random numbers, keyed by what they are for and by nothing else."""
