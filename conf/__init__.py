"""The Hydra configuration of convstab, a package so that an installed wheel finds it."""
