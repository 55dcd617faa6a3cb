"""The generated mutants follow from the contract, and each has a stable id."""

import pytest

from nemolocal_contract.endpoints import CONTROL_PREFIX, endpoints
from tests.mutation.generated.contract_messages import operations
from tests.mutation.generated.generated_catalogue import generated_mutants

NAMES = list(generated_mutants())


def test_every_endpoint_of_the_contract_has_mutants() -> None:
    every = {
        name
        for name, endpoint in endpoints().items()
        if not endpoint.template.startswith(CONTROL_PREFIX)
    }
    assert {operation.name for operation in operations()} == every
    assert {mutant.endpoint for mutant in generated_mutants().values()} == every


@pytest.mark.parametrize(
    "name",
    [
        "response:POST /api/auth/anonymous-token:success:data.credits:null",
        "response:POST /api/auth/anonymous-token:429:header.retry-after:dropped",
        "response:GET /api/credits/balance/simple:success:data.frozen:exchanged",
        "response:GET /api/credits/balance/simple:1001:message:empty",
        "response:GET /api/render/proxy/lambda/{render}:success:output.url:constant",
        "response:POST /api/upload-video/nemo_agent/{user}/{session}:4002:status:other-style",
        "request:GET /api/state/nemo_agent/{user}/{session}/latest:session.foreign:ignored",
        "request:POST /api/render/proxy/lambda:header.X-Skill-Platform:ignored",
        "request:POST /api/auth/anonymous-token:again:ignored",
        "event:POST /run_sse:tool_result:moved",
        "event:POST /run_sse:heartbeat:dropped",
        "event:POST /run_sse:invocationId:constant",
    ],
)
def test_ids_say_what_is_changed(name: str) -> None:
    assert name in generated_mutants()


def test_no_mutant_changes_the_control_api() -> None:
    assert not [name for name in NAMES if CONTROL_PREFIX in name]
