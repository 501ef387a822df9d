"""Run directories: configuration, checkpoints and metrics of a training, parts of a result, and where it is from."""
