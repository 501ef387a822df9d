"""From counts to what may be said: rates, their intervals, and how alike the images of a group fail."""
