"""The NemoVideo backend on your own machine: stateful, seeded, and really rendering."""
