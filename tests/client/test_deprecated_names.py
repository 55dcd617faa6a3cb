"""Public Python names that were renamed: the old ones work with a DeprecationWarning."""

from typing import Any

import pytest

from nemolocal_client.errors import NemoError
from nemolocal_pytest.server import NemoServer
from nemolocal_server import serving, settings


@pytest.mark.parametrize(
    ("owner", "old", "new"),
    [
        (NemoError, "advise", "replace_remedy"),
        (NemoServer, "ask", "call_control"),
        (NemoServer, "forget", "reset"),
        (NemoServer, "disarm", "clear_faults"),
        (serving, "PortTaken", "ListenError"),
        (settings, "Silence", "SilentTurnPolicy"),
    ],
)
def test_deprecated_name_is_the_new_one(owner: Any, old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"{old} is deprecated: use {new}$") as caught:
        value = getattr(owner, old)
    assert value is getattr(owner, new)
    assert caught[0].filename == __file__


def test_deprecated_name_of_an_object_is_bound_to_it() -> None:
    error = NemoError("broken")
    with pytest.warns(DeprecationWarning, match="NemoError.advise"):
        error.advise("repair it")
    assert str(error) == "broken: repair it"


@pytest.mark.parametrize("module", [serving, settings])
def test_unknown_name_of_a_module_is_no_alias(module: Any) -> None:
    with pytest.raises(AttributeError, match=r"nemolocal_server\..* has no attribute 'nothing'"):
        _ = module.nothing
