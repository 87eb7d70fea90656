"""A customer is named by number, id or email; what names none is refused with the right forms."""

from datetime import date
from typing import Any

import psycopg
import pytest

from ams_etl.definitions import defs
from ams_etl.defs.launchpad import SHOWN
from ams_etl.defs.resources import SyncScopeConfig
from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.interpret.customers_meant import customers_meant
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, customer_id, refresh, store_reference

NEW = "7c0f1a52-0d0e-4f61-9d0f-2b5f3a1c9e10"


@pytest.fixture
def agency(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Ann", LastName="Lee", Email="both@example.com"))
    source.put(customer(2, FirmName="Lee LLC", IsCommercial=True, Email="both@example.com"))
    source.store(connection)
    refresh(connection, RuleSettings(), date(2026, 6, 1))
    return connection


def test_a_customer_is_named_by_number_id_or_email(agency: psycopg.Connection[Any]) -> None:
    def meant(*names: str) -> list[str]:
        return customers_meant(agency, AGENCY, names, RuleSettings())

    assert meant("1") == [customer_id(1)]
    assert set(meant("BOTH@example.com")) == {customer_id(1), customer_id(2)}
    assert meant("1", " 1 ", NEW) == [customer_id(1), NEW]
    assert meant() == []
    with pytest.raises(ConfigError, match="--changed"):
        meant("999")
    with pytest.raises(ConfigError, match="no customer with the email"):
        meant("nobody@example.com")
    with pytest.raises(ConfigError, match="expected a CustomerNumber such as 1017"):
        meant("Ann Lee")


def test_every_field_of_the_launchpad_is_described() -> None:
    from ams_etl.defs.benefitpoint.assets import AccountsPublish, BenefitPointScope

    for config in (SyncScopeConfig, BenefitPointScope, AccountsPublish):
        assert all(field.description for field in config.model_fields.values()), config


def test_the_launchpad_shows_no_key_that_only_code_sets() -> None:
    """Read off the schema that the UI asks for; of each job whose runs have a scope."""
    shown = {}
    for job in defs().get_repository_def().get_all_jobs():
        whole: Any = job.run_config_schema.config_type
        resources = whole.fields["resources"].config_type.fields
        if "sync_scope" in resources:
            fields = resources["sync_scope"].config_type.fields["config"].config_type.fields
            assert all(field.description for field in fields.values()), job.name
            shown[job.name] = set(fields)
    assert {"sync", "sync_plan", "publish_plan", "hawksoft_sync"} <= shown.keys()
    assert set().union(*shown.values()) == set(SHOWN)
    assert set(SyncScopeConfig.model_fields) - set(SHOWN) == {"batch", "trigger", "lane"}, "set by code alone"
