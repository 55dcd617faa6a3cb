"""How long and how much a data folder keeps, and what deletes the rest."""
