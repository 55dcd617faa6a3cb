"""The tests of Nemo Local, a folder for each package, and what they share in `tests.support`."""
