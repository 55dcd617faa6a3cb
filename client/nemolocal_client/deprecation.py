"""Old names of public attributes, which work with a DeprecationWarning."""

import warnings
from typing import Any


class DeprecatedName:
    """A class attribute that forwards to the attribute with its new name."""

    def __init__(self, new_name: str) -> None:
        self.new_name = new_name
        self._old_name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._old_name = f"{owner.__name__}.{name}"

    def __get__(self, instance: object, owner: type) -> Any:
        message = f"{self._old_name} is deprecated: use {self.new_name}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return getattr(owner if instance is None else instance, self.new_name)
