"""The environments of `tox` and `tox -m deep`: one Python runs all of it, the others a part.

tox reads this file beside its configuration. The Python that matters is the one that runs tox.
"""

import platform

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet
from tox.config.types import EnvList
from tox.plugin import impl

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")


@impl
def tox_add_core_config(core_conf: ConfigSet) -> None:
    """Leave the Python that runs tox out of the environments for the others."""
    here = ".".join(platform.python_version_tuple()[:2])
    others = [version for version in SUPPORTED if version != here]
    short = ["lint", "types", "py", *(f"portable-{version}" for version in others)]
    deep = ["lint", "types", "deep", *(f"deep-{version}" for version in others)]
    deep += ["js", "docs", "nightly", "kill-matrix"]
    core_conf.loaders.insert(
        0, MemoryLoader(env_list=EnvList(short), labels={"deep": EnvList(deep)})
    )
