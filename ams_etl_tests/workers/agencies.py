"""Many small agencies in one sandbox, and the file that lists them."""

from pathlib import Path

import yaml


def names(count: int) -> list[str]:
    return [f"agency{number:02}" for number in range(count)]


def _agency_no(at: int) -> str:
    return f"{5_600_000 + at}-1"


def sandbox_options(count: int, customers: int) -> tuple[str, ...]:
    """Return the options by which one sandbox serves them."""
    return tuple(
        part
        for at, name in enumerate(names(count))
        for part in ("--agency", f"{name}:{_agency_no(at)}:{at + 11}:{customers}")
    )


def list_agencies(path: Path, count: int, **ams360: object) -> None:
    """Replace the one agency of an agencies file by so many."""
    written = yaml.safe_load(path.read_text())
    first = written["agencies"][0]
    written["agencies"] = [
        {
            "id": name,
            "name": name,
            "ams360": {**first["ams360"], "agency_no": _agency_no(at), **ams360},
            "writeback": first["writeback"],
        }
        for at, name in enumerate(names(count))
    ]
    path.write_text(yaml.safe_dump(written))
