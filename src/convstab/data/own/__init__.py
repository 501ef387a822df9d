"""Your own images: a folder, a list, arrays, and what other libraries serve."""
