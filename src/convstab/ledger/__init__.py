"""One row for each image: how far it is from failing, from attacks, draws and laws side by side."""
