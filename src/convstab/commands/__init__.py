"""What a user starts: Hydra composes, a command runs."""
