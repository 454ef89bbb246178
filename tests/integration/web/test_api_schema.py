"""The REST API against its own OpenAPI document: schemathesis makes up requests, good and bad."""

from __future__ import annotations

import pytest
import schemathesis
from api_data import fill, parts_of
from helpers.house import House
from helpers.kept import filled
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

HOUSE = House(context=None)  # the document needs no warehouse
AS_ADMIN = {"Authorization": "Bearer admin"}
DOCUMENT = schemathesis.openapi.from_asgi("/v1/openapi.json", HOUSE.app, headers=AS_ADMIN)
OPERATIONS = {
    operation["operationId"]: (method, path)
    for path, methods in DOCUMENT.raw_schema["paths"].items()
    for method, operation in methods.items()
}


@pytest.fixture(scope="module", autouse=True)
def _warehouse(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api-schema")
    with (
        filled(databases, _warehouse_template, folder, parts_of, fill) as kept,
        kept.again() as context,
    ):
        HOUSE.job_context = context
        yield


def test_of(method, path):
    """Return a test of one operation: what comes back is what the document says."""

    @DOCUMENT.include(method=method.upper(), path=path).parametrize()
    @settings(
        max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    def check(case):
        # What names no movie, or is no cursor of ours, is well-formed and refused nevertheless.
        case.call_and_validate(headers=AS_ADMIN, excluded_checks=[positive_data_acceptance])

    return check


test_of.__test__ = False
# The tests that one `parametrize` makes have one name, of which pytest-xdist runs the first alone.
for _name, _operation in OPERATIONS.items():
    globals()[f"test_{_name}"] = test_of(*_operation)
