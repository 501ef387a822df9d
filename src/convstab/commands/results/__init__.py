"""Commands about results that are there: they need no model."""
