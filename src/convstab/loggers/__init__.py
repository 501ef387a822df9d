"""Where numbers and pictures are logged to: Weights & Biases, CSV."""
