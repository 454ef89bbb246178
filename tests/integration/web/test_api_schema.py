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
schema = schemathesis.openapi.from_asgi("/v1/openapi.json", HOUSE.app, headers=AS_ADMIN)


@pytest.fixture(scope="module", autouse=True)
def _warehouse(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api-schema")
    with (
        filled(databases, _warehouse_template, folder, parts_of, fill) as kept,
        kept.again() as context,
    ):
        HOUSE.job_context = context
        yield


@schema.parametrize()
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_comes_back_is_what_the_document_says(case):
    case.call_and_validate(headers=AS_ADMIN, excluded_checks=[positive_data_acceptance])
