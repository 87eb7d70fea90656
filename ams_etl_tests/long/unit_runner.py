"""`systemctl` and `systemd-run` where no systemd runs: starts what the unit files say, with what they say around it.

Standard library only, since it is copied into the machine of the test and runs there under the names of the two commands.

What of a unit is honoured: User, Group, EnvironmentFile, ExecStart, Type, WorkingDirectory, StateDirectory, UMask, Restart,
RestartSec, Requires, Wants, After, NoNewPrivileges, CapabilityBoundingSet, ProtectSystem=strict, ProtectHome, PrivateTmp. What is
not: system call filters, address families and the kernel's protections. An unknown key is an error.
"""

import grp
import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
STATE = Path("/run/units")
LOGS = Path("/var/log/units")
HONOURED = {
    "User", "Group", "EnvironmentFile", "ExecStart", "Type", "WorkingDirectory", "StateDirectory", "UMask", "Restart", "RestartSec",
    "NoNewPrivileges", "CapabilityBoundingSet", "ProtectSystem", "ProtectHome", "PrivateTmp", "KillMode", "TimeoutStopSec",
    "RemainAfterExit",
}  # fmt: skip
NOT_EMULATED = {
    "PrivateDevices", "ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups", "RestrictAddressFamilies",
    "RestrictSUIDSGID", "LockPersonality", "SystemCallFilter", "SystemCallErrorNumber",
}  # fmt: skip


class UnitError(Exception):
    """A unit is wrong, or what it starts fails."""


def read(name: str) -> dict[str, dict[str, list[str]]]:
    """Return section -> key -> values of a unit file."""
    path = UNITS / name
    if not path.exists():
        raise UnitError(f"Unit {name} not found.")
    sections: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for written in path.read_text().splitlines():
        line = written.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = sections.setdefault(line[1:-1], {})
            continue
        key, _, value = line.partition("=")
        section.setdefault(key, []).append(value)
    unknown = set(sections.get("Service", {})) - HONOURED - NOT_EMULATED
    if unknown:
        raise UnitError(f"{name}: unknown keys {sorted(unknown)}")
    return sections


def words(unit: dict[str, dict[str, list[str]]], key: str) -> list[str]:
    """Return the names that a key of [Unit] lists."""
    return [name for value in unit.get("Unit", {}).get(key, ()) for name in value.split()]


def environment_of(path: str) -> dict[str, str]:
    """Read an EnvironmentFile as systemd does: NAME=VALUE, comments, optional quotes, nothing expanded."""
    found = {}
    for written in Path(path).read_text().splitlines():
        line = written.strip()
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.isidentifier():
            raise UnitError(f"{path}: not a variable: {name}")
        found[name] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    return found


def command_of(service: dict[str, str]) -> list[str]:
    """Return the command that starts a service's program with its user, environment, folder, file systems and rights."""
    account = pwd.getpwnam(service["User"])
    group = grp.getgrnam(service.get("Group", "")).gr_gid if service.get("Group") else account.pw_gid
    variables = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8", "USER": account.pw_name,
        "LOGNAME": account.pw_name, "HOME": account.pw_dir, "SHELL": account.pw_shell,
        **(environment_of(service["EnvironmentFile"]) if "EnvironmentFile" in service else {}),
    }  # fmt: skip
    setup = ["set -e"]
    if "StateDirectory" in service:
        state = f"/var/lib/{service['StateDirectory']}"
        variables["STATE_DIRECTORY"] = state
        Path(state).mkdir(mode=0o755, exist_ok=True)
        os.chown(state, account.pw_uid, group)
        setup.append(f"mount --bind {state} {state}")
    if service.get("ProtectSystem") == "strict":
        setup += ["mount -o remount,bind,ro /", "mount -o remount,bind,ro /run"]
        setup += [f"mount -o remount,bind,rw {state}"] if "StateDirectory" in service else []
    if service.get("PrivateTmp") == "yes":
        setup += ["mount -t tmpfs -o mode=1777 tmpfs /tmp", "mount -t tmpfs -o mode=1777 tmpfs /var/tmp"]
    if service.get("ProtectHome") == "yes":
        setup += ["mount -t tmpfs -o mode=000,ro tmpfs /home", "mount -t tmpfs -o mode=000,ro tmpfs /root"]
    setup += [f"cd {service.get('WorkingDirectory', '/')}", f"umask {service.get('UMask', '0022')}"]
    rights = ["setpriv", "--reuid", account.pw_name, "--regid", str(group), "--init-groups", "--reset-env"]
    if service.get("NoNewPrivileges") == "yes":
        rights.append("--no-new-privs")
    if service.get("CapabilityBoundingSet") == "":
        rights += ["--bounding-set=-all", "--inh-caps=-all"]
    given = [f"{name}={value}" for name, value in variables.items()]
    started = shlex.join([*rights, "env", "-i", *given, *shlex.split(service["ExecStart"])])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join([*setup, f"exec {started}"])]


def service_of(name: str) -> dict[str, str]:
    """Return the [Service] section with one value a key."""
    return {key: values[-1] for key, values in read(name)["Service"].items()}


def start(name: str, started: set[str]) -> None:
    """Start a unit after what it requires and what it comes after; wait for a oneshot to end."""
    if name in started or (not (UNITS / name).exists() and name.endswith((".target", "postgresql.service"))):
        return
    started.add(name)
    unit = read(name)
    for before in [*words(unit, "Requires"), *words(unit, "Wants")]:
        start(before, started)
    if name.endswith(".target"):
        return
    for before in words(unit, "After"):
        if before in started or (UNITS / before).exists():
            start(before, started)
    service = service_of(name)
    LOGS.mkdir(exist_ok=True)
    STATE.mkdir(exist_ok=True)
    if service["Type"] == "oneshot":
        with (LOGS / f"{name}.log").open("ab") as log:
            code = subprocess.run(command_of(service), stdout=log, stderr=log, check=False).returncode
        if code:
            raise UnitError(f"Job for {name} failed with code {code}: {(LOGS / f'{name}.log').read_text()[-2000:]}")
        return
    if running(name):
        return
    command_of(service)  # Its mistakes are reported here.
    subprocess.Popen(
        [sys.executable, __file__, "--supervise", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    (STATE / f"{name}.wanted").touch()


def signals_as_they_come() -> None:
    """Ignore no signal, as systemd starts a service: where SIGINT is ignored, as in a background job, Dagster ignores SIGTERM."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def supervise(name: str) -> None:
    """Keep a service running, and note how often it ended by itself."""
    service = service_of(name)
    (STATE / f"{name}.supervisor").write_text(str(os.getpid()))
    ended: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def stop(*_: object) -> None:
        ended.append(1)
        if process is not None:
            # KillMode=mixed: to the main process alone. Otherwise to all of them, which here is its group.
            if service.get("KillMode") == "mixed":
                process.terminate()
            else:
                os.killpg(process.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while not ended:
        with (LOGS / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command_of(service), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=signals_as_they_come,
            )  # fmt: skip
            (STATE / f"{name}.pid").write_text(str(process.pid))
            code = process.wait()
            if not ended:
                with (STATE / f"{name}.ended").open("a") as counted:
                    counted.write(f"{code}\n")
                time.sleep(float(service.get("RestartSec", "1")))
    (STATE / f"{name}.supervisor").unlink()


def running(name: str) -> bool:
    """Return whether its supervisor lives."""
    try:
        os.kill(int((STATE / f"{name}.supervisor").read_text()), 0)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    return True


def states(pid: int) -> str:
    """Say of each process of a service's session what it is, waits for, and does with signals."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if os.getsid(int(status.parent.name)) == pid:
                kept = [line for line in status.read_text().splitlines() if line.startswith(("State", "PPid", "Sig"))]
                command = (status.parent / "cmdline").read_text().replace("\0", " ")[:120]
                found.append(f"{status.parent.name} {command} {(status.parent / 'wchan').read_text()} {' '.join(kept)}")
        except OSError:
            continue
    return "\n".join(found)


def stop(name: str) -> None:
    """Stop a service, or all that a target wants, the last started first."""
    if name.endswith(".target"):
        for wanted in reversed(words(read(name), "Wants")):
            stop(wanted)
        return
    if not running(name):
        return
    os.kill(int((STATE / f"{name}.supervisor").read_text()), signal.SIGTERM)
    deadline = time.monotonic() + float(service_of(name).get("TimeoutStopSec", "90"))
    while running(name):
        if time.monotonic() > deadline:
            raise UnitError(f"{name} did not stop: {states(int((STATE / f'{name}.pid').read_text()))}")
        time.sleep(0.1)


def systemctl(arguments: list[str]) -> None:
    """The subcommands that the pages use."""
    verb, *names = [argument for argument in arguments if argument != "--now"]
    if verb == "daemon-reload":
        for path in UNITS.glob("ams-etl*"):
            read(path.name)
    elif verb in {"enable", "start"}:
        for name in names:
            if verb == "enable" and "Install" not in read(name):
                raise UnitError(f"The unit files have no installation config: {name}")
            if verb == "start" or "--now" in arguments:
                start(name, set())
    elif verb == "restart":
        for name in names:
            stop(name)
            start(name, set())
    elif verb == "stop":
        for name in names:
            stop(name)
    elif verb == "status":
        for path in sorted(STATE.glob("*.wanted")):
            name = path.stem
            print(f"{name}: {'active (running)' if running(name) else 'failed'}")
    else:
        raise UnitError(f"Unknown command verb {verb}.")


def systemd_run(arguments: list[str]) -> int:
    """`systemd-run --pipe --wait -p NAME=VALUE … COMMAND`."""
    service: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "-p":
            name, _, value = rest.pop(0).partition("=")
            if name not in HONOURED:
                raise UnitError(f"Unknown assignment: {name}")
            service[name] = value
        elif option not in {"--pipe", "--wait", "--quiet", "--collect"}:
            raise UnitError(f"unrecognized option {option}")
    service["ExecStart"] = shlex.join(rest)
    return subprocess.run(command_of(service), check=False).returncode


def main() -> int:
    """Work as the command whose name this file has."""
    try:
        if sys.argv[1:2] == ["--supervise"]:
            supervise(sys.argv[2])
        elif Path(sys.argv[0]).name == "systemd-run":
            return systemd_run(sys.argv[1:])
        else:
            systemctl(sys.argv[1:])
    except (UnitError, KeyError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
