"""Several jobs of one multirun: their folders, how they ended, their table, and what they say beside each other."""
