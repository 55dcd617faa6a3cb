"""Steps that most scripts have, and a reference server to run them on."""

import contextlib
from collections.abc import Iterator

from nemolocal_conformance.context import PUT_ON_TIMELINE
from nemolocal_conformance.fuzz.script import (
    AnyStep,
    BalanceStep,
    CallScript,
    ExportStep,
    FollowStep,
    MessageStep,
    SessionStep,
    StateStep,
    TokenStep,
    UploadStep,
)
from nemolocal_conformance.fuzz.script_runner import ScriptResult, ScriptRunner, open_script_runner
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

ANN, BOB = TokenStep("ann"), TokenStep("bob")
SESSION = SessionStep("s1", by="ann")
PICTURE = UploadStep("s1", ("picture.png",), by="ann")
PUT = MessageStep("s1", PUT_ON_TIMELINE, by="ann")
STATE, BALANCE = StateStep("s1", by="ann"), BalanceStep(by="ann")
EXPORT, FOLLOW = ExportStep("s1", "r1", by="ann"), FollowStep("r1", by="ann")


@contextlib.contextmanager
def reference(**settings: object) -> Iterator[ScriptRunner]:
    """Open a script runner for a reference server with these settings."""
    chosen = Settings(port=0, **settings)  # type: ignore[arg-type]
    with (
        LocalServer(chosen, ManualClock(autojump=True)) as server,
        open_script_runner(server.base_url, Attribution("x", "1"), fresh=True) as runner,
    ):
        yield runner


def play(*steps: AnyStep, **settings: object) -> ScriptResult:
    """Run these steps on such a server and return the result."""
    with reference(**settings) as runner:
        return runner.run(CallScript(steps))
