"""One page and one text that set measured results beside the paper's."""
