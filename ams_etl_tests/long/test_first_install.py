"""The page for one Linux machine, followed literally: from the wheel to two agencies that sync, are followed and raise alerts.

Only what nobody can give a test is replaced: AMS360 by the sandbox, the mail server by one on loopback, and the package registry by
the libraries of the environment that runs the tests.
"""

import json
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ams_etl_tests.installed_wheel import lend_libraries, wheel_of_checkout
from ams_etl_tests.long.one_machine import ROOT, Machine, machine, our_python

pytestmark = pytest.mark.long

PAGE = ROOT / "docs" / "deploying.md"
SERVICES = {"code", "daemon", "webserver", "follow", "inbound", "pages", "alerts"}
SECRETS = {
    "ACME_AMS360_PASSWORD": "sandbox", "BOLT_AMS360_PASSWORD": "sandbox", "SMTP_PASSWORD": "unused",
    "ACME_ONS_CODE": "code-of-the-tests-0123456789",
}  # fmt: skip
WSDL = "https://wsapi.ams360.com/v3/WSAPIService.svc?wsdl"
SMTP = "{host: smtp.example.com, port: 587, tls: starttls, username: etl, password_env: SMTP_PASSWORD}"


def steps() -> list[str]:
    """The blocks of the section, in order."""
    section = PAGE.read_text().split("\n## One Linux machine\n")[1].split("\n### ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 180) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
    return time.monotonic() - began


def answer(inside: Machine, query: str) -> str:
    """What the database says, asked as Postgres' own user."""
    return inside.run(f'su postgres -c "psql -XqAt ams_etl"<<<{json.dumps(query)}').strip()


def is_served(inside: Machine, url: str) -> bool:
    return inside.run(f"curl -s -o /dev/null -m 5 -w '%{{http_code}}' {url} || true").strip() in {"200", "303", "302"}


def logs(inside: Machine) -> str:
    return inside.run("tail -n 25 /var/log/units/*.log || true")


def test_the_page_for_one_machine_is_enough(tmp_path: Path) -> None:
    wheel = wheel_of_checkout(tmp_path)
    programs, setup, database, agencies, first = steps()
    took: dict[str, float] = {}
    with machine(tmp_path) as inside:
        mail, amslog = tmp_path / "mail.log", tmp_path / "sandbox.log"
        inside.start(
            *our_python(),
            "-u",
            "-m",
            "aiosmtpd",
            "-n",
            "-l",
            "127.0.0.1:2525",
            "-c",
            "aiosmtpd.handlers.Debugging",
            "stdout",
            log=mail,
        )
        inside.start(
            *our_python(), "-m", "ams_etl.sandbox", "--port", "8360",
            "--agency", "acme:5551234-1:7:60", "--agency", "bolt:5555678-1:8:40", log=amslog,
        )  # fmt: skip
        wait_for(lambda: is_served(inside, "http://127.0.0.1:8360/sandbox/customers"), "the sandbox")
        # A shell of root, whose registry is out of reach.
        shutil.copy(wheel, inside.files / "root" / wheel.name)
        inside.environment |= {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

        def follow(name: str, script: str) -> None:
            began = time.monotonic()
            print(f"--- {name}\n{inside.run(f'cd /root; {script}')}")
            took[name] = time.monotonic() - began

        follow("programs", programs)
        lend_libraries(inside.files / "opt" / "ams-etl", Path("/opt/ams-etl"))
        follow("setup", setup)
        follow("database", database)
        wsdl = json.loads(amslog.read_text().splitlines()[0])["wsdl"]
        assert WSDL in agencies
        assert SMTP in agencies
        follow("agencies", agencies.replace(WSDL, wsdl).replace(SMTP, "{host: 127.0.0.1, port: 2525, tls: none}"))
        for name, value in SECRETS.items():
            inside.run(
                f"grep -q ^{name}= /etc/ams-etl/environment; sed -i 's/^{name}=.*/{name}={value}/' /etc/ams-etl/environment"
            )
        try:
            follow("first", first)
            assert "[ams-etl] test" in mail.read_text()
            for url in ("3000/server_info", "8361/healthz", "8362/healthz", "8363/metrics"):
                took[url] = wait_for(lambda url=url: is_served(inside, f"http://127.0.0.1:{url}"), url)  # type: ignore[misc]
            inside.run("su ams-etl -s /bin/sh -c '/opt/ams-etl/bin/dagster api grpc-health-check -p 4000'")
            assert (
                answer(inside, "select string_agg(distinct agency, ',' order by agency) from mart.contacts")
                == "acme,bolt"
            )
            wait_for(
                lambda: (
                    answer(inside, "select string_agg(partition, ',' order by partition) from dynamic_partitions")
                    == "acme,bolt"
                ),
                "the partitions",
            )

            notify(inside)
            edit = {"entity": "customers", "op": "update", "fields": {"City": "Followed"}}
            (edited,) = answer(
                inside,
                "select min(customer_id) from mart.contact_sources where agency = 'acme' and entity = 'customer'",
            ).split()
            inside.run(
                f"curl -sS -f -d {shlex.quote(json.dumps(edit | {'key': edited}))} http://127.0.0.1:8360/sandbox/edit"
            )
            took["an edit is in the mart"] = wait_for(
                lambda: answer(inside, "select count(*) from mart.contacts where city = 'Followed'") != "0", "the edit"
            )
            assert launched(inside) == "SUCCESS", "a run of the UI"

            inside.run("sed -i 's/^BOLT_AMS360_PASSWORD=.*/BOLT_AMS360_PASSWORD=wrong/' /etc/ams-etl/environment")
            inside.run("ams-etl sync bolt", code=1)
            took["an alert is in the mailbox"] = wait_for(lambda: "for bolt" in mail.read_text(), "the alert")

            follow("restart", "systemctl restart ams-etl.target")
            wait_for(lambda: is_served(inside, "http://127.0.0.1:3000/server_info"), "the UI again")
            status = inside.run("systemctl status 'ams-etl-*'")
            assert {line.split(":")[0] for line in status.splitlines()} == {
                f"ams-etl-{name}.service" for name in SERVICES
            }
            assert "failed" not in status
            assert inside.run("cat /run/units/*.ended 2>/dev/null || true") == "", "a service ended by itself"
            inside.run("systemctl stop ams-etl.target")
            assert inside.run("ps -u ams-etl -o stat=,args= | grep -v ^Z || true") == "", "something goes on"
        except BaseException:
            print(logs(inside), file=sys.stderr)
            raise
        print("\n".join(f"{name}: {seconds:.1f} s" for name, seconds in took.items()))


def notify(inside: Machine) -> None:
    """Enter in the sandbox what `ams-etl notifications setup acme` prints, by its local address."""
    assert "https://hooks.example.com/ams/notifications/acme" in inside.run("ams-etl notifications setup acme")
    delivery = json.dumps(
        {
            "url": "http://127.0.0.1:8361/notifications/acme",
            "code": SECRETS["ACME_ONS_CODE"],
            "version": "2.0",
            "compress": 60,
        }
    )
    inside.run(f"curl -sS -f -X PUT -d '{delivery}' http://127.0.0.1:8360/sandbox/notifications")


def launched(inside: Machine) -> str:
    """Launch a sync as a click in the UI does; its status in the end."""
    script = (
        "from ams_etl_tests.end_to_end.graphql import UserInterface as U; u = U('http://127.0.0.1:3000'); "
        "run = u.launch('sync', 'acme'); print(u.ended(run), u.why(run))"
    )
    return inside.run(f'cd {ROOT}; {sys.executable} -c "{script}"').split()[0]
