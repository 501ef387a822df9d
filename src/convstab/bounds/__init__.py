"""How fast the logits of a model can change at most, layer by layer, and how near a boundary can be at least."""
