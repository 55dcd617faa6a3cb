"""A network of its own for a program, from which nothing leaves this machine."""
