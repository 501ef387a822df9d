"""The genetic search for the least noise, for several images at once. Paper: section 3."""
