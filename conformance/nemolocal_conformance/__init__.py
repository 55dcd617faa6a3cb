"""Checks whether a server or a client follows the contract, over HTTP and without importing it."""
