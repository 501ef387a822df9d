"""How far a long work is: a bar where somebody looks, a line a minute elsewhere."""
