"""Forward passes: grey levels in, logits out, in float32 or bfloat16, as PyTorch has it or compiled."""
