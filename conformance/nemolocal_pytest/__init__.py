"""The pytest plugin of Nemo Local; its fixtures are in `plugin`."""
