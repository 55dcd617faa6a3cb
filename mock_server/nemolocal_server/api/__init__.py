"""The endpoints of the contract, and of the control API in `control`."""
