"""What a few images tell before an evaluation begins: which forward pass it takes, and how many draws."""
