"""The kinds of own models, and what each is told beside classes, mean, std, size and weights."""

KINDS = {"python": ("target", "options")}
