"""Run directories: configuration, checkpoints and metrics of a training, the parts of a result, and where it comes from."""
