"""Which perturbers may run whoever names them; loads nothing."""

# whose classes do nothing but change pixels, whatever their options are: others fetch models, or look up names
PIXELS_ONLY = tuple(
    f"nrtk.impls.perturb_image.{name}." for name in ("environment", "geometric", "optical", "photometric")
)


def is_pixels_only(name: str) -> bool:
    """Whether a class is one of NRTK's own that does nothing but change pixels, by its dotted name."""
    return name.startswith(PIXELS_ONLY)
