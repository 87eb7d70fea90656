"""What `up` does with its processes: it refuses taken ports, announces what answers, and stops all when one ends."""

import socket
import sys

import pytest

from ams_etl.cli.process_log import Fact
from ams_etl.cli.processes import Process, address, check_ports, free_port, run_until_stopped
from ams_etl.errors import ConfigError, TransientError

HOST = "127.0.0.1"
SERVER = """
import http.server, sys, time
time.sleep(0.5)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_port_that_is_taken_is_named_with_the_option_that_chooses_another() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of {HOST}, for ui, is taken .* with --port$"):
            check_ports(HOST, [Process("ui", ["x"], port, "--port")])
    check_ports(HOST, [Process("ui", ["x"], port, "--port"), Process("daemon", ["x"])])


def test_a_host_that_is_not_this_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--host 203\.0\.113\.1: not an address of this machine"):
        check_ports("203.0.113.1", [Process("ui", ["x"], 1, "--port")])


def test_an_address_is_announced_once_it_answers_and_all_stop_when_one_ends() -> None:
    port = free_port(HOST)
    heard: list[tuple[str, Fact]] = []
    ended = "import time; time.sleep(4); print('I end here'); raise SystemExit(3)"
    processes = [
        Process("server", [sys.executable, "-c", SERVER, port], port, "--port", "/", "the page: {url}"),
        Process("short", [sys.executable, "-c", ended]),
    ]
    with pytest.raises(TransientError, match="short ended with code 3"):
        run_until_stopped(HOST, processes, lambda name, fact: heard.append((name, fact)))
    said = [(name, fact.text) for name, fact in heard]
    assert ("server", f"the page: {address(HOST, port)}") in said
    assert ("short", "I end here") in said
    check_ports(HOST, [Process("server", ["x"], port, "--port")])


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "http://127.0.0.1:1"), ("::", "http://[::1]:1"), ("10.1.2.3", "http://10.1.2.3:1")],
)
def test_the_address_is_one_that_a_person_can_open(host: str, shown: str) -> None:
    assert address(host, 1) == shown
