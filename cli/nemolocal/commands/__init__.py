"""The commands of `nemolocal`: one module each."""
