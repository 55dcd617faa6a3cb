"""The control interface: the endpoints under `/__nemolocal__`."""
