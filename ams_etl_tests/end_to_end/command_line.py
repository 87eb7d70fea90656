"""The command line as a user's shell runs it: a home, an agencies file, a database, and `ams-etl` in a process."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from ams_etl.settings.schedule import ScheduleSettings
from ams_etl_tests import warm_processes
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox
from ams_etl_tests.warm_processes import Process


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A home on a database of its own."""

    home: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> Process:
        """Start a command, in a group of its own."""
        return warm_processes.start("ams_etl.cli", *arguments, environment=self.environment, errors_too=True)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end and give what it printed."""
        returned, printed = warm_processes.run("ams_etl.cli", *arguments, environment=self.environment, seconds=240)
        assert returned == code, printed
        return printed


def command_line(
    home: Path, database: str, sandbox: Sandbox, password: str = "sandbox", **ams360: object
) -> CommandLine:
    """Write the agencies file for a sandbox and return its command line; no regular work is due for the next hours."""
    home.mkdir(parents=True, exist_ok=True)
    beside = sandbox.benefitpoint
    entry = {"wsdl": sandbox.wsdl, "agency_no": AGENCY_NO, "login_id": "etl", "password_env": "TEST_AMS360_PASSWORD"}
    (home / "agencies.yaml").write_text(
        yaml.safe_dump(
            {
                "schedule": _far_from_now(),
                "agencies": [
                    {
                        "id": "demo",
                        "name": "Demo",
                        "ams360": {**entry, **ams360},
                        "writeback": {"timezone": "America/Chicago"},
                        "benefitpoint": {
                            "wsdl": beside.wsdl,
                            "login_wsdl": beside.login_wsdl,
                            "username": "etl",
                            "password_env": "TEST_AMS360_PASSWORD",
                        },
                    }
                ],
            }
        )
    )
    return CommandLine(
        home,
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")},
            "AMS_ETL_HOME": str(home),
            "AMS_ETL_DATABASE_URL": database,
            "TEST_AMS360_PASSWORD": password,
        },
    )


def _far_from_now() -> dict[str, int]:
    """Return the hours of regular work: a daemon that a test starts at night would sync by itself beside the test."""
    now = datetime.now(ScheduleSettings().zone)
    return {"weekday": (now.weekday() + 3) % 7, "sweep_from_hour": (now.hour + 12) % 24}
