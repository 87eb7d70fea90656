"""`ams-etl demo`: from nothing to 2,000 customers of a sandbox agency as contacts in Postgres."""

import base64
import os
import secrets
import time
from typing import Any

import click
import psycopg
import yaml

from ams_etl.cli.demo_agencies import (
    grant_demo_access,
    map_most_employees,
    other_demo_agencies,
    other_demo_secrets,
)
from ams_etl.cli.demo_plans import CODES, add_demo_plans
from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.cli.progress import show_progress
from ams_etl.cli.sandbox import AGENCY_NO, start_in_background
from ams_etl.cli.summary import print_accounts, print_contacts, print_summary
from ams_etl.errors import ConfigError
from ams_etl.settings import agencies_path, home, load_agencies
from ams_etl.store.database import connect
from ams_etl.sync.contacts.user_mappings import UserMapping, store_mappings

AGENCY = "demo"
PASSWORD_ENV = "AMS_ETL_DEMO_PASSWORD"  # noqa: S105
CODE_ENV = "AMS_ETL_DEMO_CODE"
TOKEN_ENV = "AMS_ETL_DEMO_TOKEN"  # noqa: S105
BODY_KEY_ENV = "AMS_ETL_BODY_KEY"
PASSWORD = "sandbox"  # noqa: S105


@click.command()
@click.option(
    "--customers", default=2000, show_default=True, help="Size of the sandbox agency, when it is started now."
)
def demo(customers: int) -> None:
    """Set up Postgres, sandboxes of every system and user mappings, sync four agencies, and say what to open next."""
    started = time.monotonic()
    show_progress()
    home().mkdir(parents=True, exist_ok=True)
    click.echo(f"1/4 Postgres and Dagster's home in {home()}")
    _write_environment()
    url = prepare()
    click.echo("2/4 sandboxes of AMS360, BenefitPoint, HawkSoft, QQ Catalyst and MyCase, in their own process")
    wsdl = start_in_background(customers)
    _write_agencies(wsdl)
    click.echo(f"    {wsdl}")
    click.echo("3/4 user mappings for its employees, and a full sync")
    with dagster_instance() as instance, connect(url) as connection:
        config = {"customers": [], "fresh": False, "apply_plan": ""}
        known = connection.execute("select 1 from ops.user_mappings where agency = %s limit 1", (AGENCY,)).fetchone()
        if known is None:
            _read_employees(connection)
            _map_users(connection)
        run_id = run_job("sync", AGENCY, config, instance)
        if load_agencies().get(AGENCY).benefitpoint is not None:
            run_job("benefitpoint_sync", AGENCY, None, instance)
        agencies = load_agencies()
        for agency in agencies.all:
            if agency.system == "mycase":
                grant_demo_access(connection, agencies, agency, url)
            if agency.system != "ams360":
                click.echo(f"    and {agency.name}")
                run_job(f"{agency.system}_sync", agency.id, config, instance)
                if map_most_employees(connection, agency.id):
                    run_job("rederive", agency.id, config, instance)
        click.echo("4/4 what came of it")
        print_summary(connection, AGENCY, "ams360", time.monotonic() - started)
        if agencies.get(AGENCY).benefitpoint is not None:
            _add_plans(connection, instance, wsdl)
        print_accounts(connection, AGENCY)
        print_contacts(connection, agencies.all)
    click.echo(f"\nrun {run_id} is in Dagster. Next:  .venv/bin/ams-etl up   (then open http://127.0.0.1:3000)")
    click.echo('or ask Postgres:  psql "$(.venv/bin/ams-etl db url)" -c "select * from mart.contacts limit 5"')
    click.echo("The sandbox keeps running in the background; `ams-etl sandbox --stop` ends it.")


def _add_plans(connection: psycopg.Connection[Any], instance: Any, wsdl: str) -> None:
    """New plans in BenefitPoint, from there to AMS360, and back from it as policies."""
    customers = add_demo_plans(connection, AGENCY, _base(wsdl))
    if customers:
        click.echo("then somebody adds plans in BenefitPoint, which become policies of AMS360:")
        run_job("benefitpoint_sync", AGENCY, None, instance)
        run_job("writeback", AGENCY, None, instance, direction="writeback")
        run_job("sync", AGENCY, {"customers": customers, "fresh": False, "apply_plan": ""}, instance)


def _base(wsdl: str) -> str:
    return wsdl.partition("/v3/")[0]


def _write_environment() -> None:
    """Add what is missing to `.env`: the sandbox's password, and new secrets for the senders of notifications and events."""
    from dotenv import dotenv_values

    path = home() / ".env"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text("# Secrets that agencies.yaml names; for the sandbox only.\n")
    known = dotenv_values(path)
    made = {
        PASSWORD_ENV: PASSWORD,
        CODE_ENV: secrets.token_urlsafe(24),
        TOKEN_ENV: secrets.token_urlsafe(24),
        BODY_KEY_ENV: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **other_demo_secrets(),
    }
    with path.open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in made.items() if name not in known)
    for name, value in {**made, **{name: value for name, value in known.items() if value}}.items():
        os.environ.setdefault(name, value)


def _write_agencies(wsdl: str) -> None:
    path = agencies_path()
    if path.exists():
        entry = load_agencies(path).get(AGENCY)
        if entry.ams360.wsdl != wsdl:
            raise ConfigError(f"{path}: agencies.{AGENCY}.ams360.wsdl: expected the sandbox's address {wsdl}")
        return
    base = _base(wsdl)
    path.write_text(
        yaml.safe_dump(
            {
                "agencies": [
                    {
                        "id": AGENCY,
                        "name": "Demo Insurance (sandbox)",
                        "ams360": {
                            "wsdl": wsdl,
                            "agency_no": AGENCY_NO,
                            "login_id": "etl",
                            "password_env": PASSWORD_ENV,
                            "max_concurrency": 16,
                        },
                        "notifications": {"authentication_code_env": CODE_ENV, "version": "2.0"},
                        "events": {"token_env": TOKEN_ENV},
                        "writeback": {"timezone": "America/Chicago"},
                        "benefitpoint": {
                            "wsdl": f"{base}/aptusConnect/BrokerConnectV4.wsdl",
                            "login_wsdl": f"{base}/aptusConnect/LoginV2.wsdl",
                            "username": "etl",
                            "password_env": PASSWORD_ENV,
                            **CODES,
                        },
                    },
                    *other_demo_agencies(base),
                ],
                "inbound": {"public_url": "http://127.0.0.1:8361"},
                "pages": {"dagster_url": "http://127.0.0.1:3000"},
            },
            sort_keys=False,
        )
    )


def _read_employees(connection: psycopg.Connection[Any]) -> None:
    from ams_etl.sources.connections import ams360_connection
    from ams_etl.sync.extract.reference import extract_reference

    agencies = load_agencies()
    extract_reference(connection, AGENCY, ams360_connection(agencies, agencies.get(AGENCY)))


def _map_users(connection: psycopg.Connection[Any]) -> None:
    """Map the employees who are still there; one in eight stays unmapped, as in real life."""
    rows = connection.execute(
        """select employee_code, concat_ws(' ', first_name, last_name), is_executive, is_representative
        from ams360.employees where agency = %s and employee_status is distinct from 'I' order by employee_code""",
        (AGENCY,),
    ).fetchall()
    mappings = [
        UserMapping(kind, code, f"user-{number:03}", name)
        for number, (code, name, is_executive, is_representative) in enumerate(rows, start=1)
        for kind, has in (("Executive", is_executive), ("Representative", is_representative))
        if has and number % 8
    ]
    store_mappings(connection, AGENCY, mappings)
