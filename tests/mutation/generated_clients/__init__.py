"""Client mutants made by a program: the record of a correct client, changed in one place."""
