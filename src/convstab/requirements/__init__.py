"""What a model is required to withstand, and whether results are evidence for it."""
