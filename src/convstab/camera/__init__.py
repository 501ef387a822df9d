"""A camera's noise in the units of ``degradation=sensor``, from frames of static scenes; and the light that is left."""
