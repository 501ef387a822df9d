"""Own models: whatever classifies images becomes images in [0, 1] -> logits, with what is known of it."""
