"""The control API: the endpoints under `/__nemolocal__`, which are not part of the contract."""
