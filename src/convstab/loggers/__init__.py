"""Where numbers, pictures and artifacts are logged to: Weights & Biases, MLflow, Trackio, CSV."""
