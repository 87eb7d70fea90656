"""A contract in outline, one fact per line, and how a live one differs from the one that this version was built for.

The outlines are files beside this module. `python -m ams_etl_tests.sources.outlines --write` writes them again from the
sandbox's WSDLs, which have the published contracts' operations, members and types.
"""

from collections.abc import Iterable, Iterator
from importlib.resources import files

from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.soap.contract import Contract, Member, Shape

_MOST_SHOWN = 20


def outline(contract: Contract, operations: Iterable[str]) -> list[str]:
    """Return what requests and answers of these operations hold, as sorted `Type.Member: type` lines.

    Namespaces are left out: BenefitPoint's minor versions differ in nothing else.
    """
    lines: set[str] = set()
    seen: set[int] = set()
    for name in sorted(set(operations) & contract.names):
        operation = contract.operation(name)
        lines.add(f"operation {name}")
        for side, members in (("request", operation.arguments), ("answer", operation.results)):
            for member in members:
                lines.add(f"{name} {side}.{member.name}: {_type_of(member)}")
                lines.update(_types(member.shape, seen))
    return sorted(lines)


def compare_with_built(contract: Contract, system: str) -> Probe:
    """Compare a live contract with the outline that this version was built for.

    Args:
        contract: as the live WSDL declares it.
        system: `ams360` or `benefitpoint`.

    Returns:
        A probe that fails where something is missing or of another type, and lists what is; what is new is only counted.
    """
    built = set(files("ams_etl.sources.soap").joinpath("outlines", f"{system}.txt").read_text("utf-8").splitlines())
    names = {line.removeprefix("operation ") for line in built if line.startswith("operation ")}
    live = set(outline(contract, names))
    types = {line.rpartition(": ")[0]: line.rpartition(": ")[2] for line in live if ": " in line}
    differences = []
    for line in sorted(built - live):
        member, _, kind = line.rpartition(": ")
        now = types.get(member)
        differences.append(f"{member} is {now}, expected {kind}" if member and now else f"{line} is missing")
    added = len(
        {line.rpartition(": ")[0] or line for line in live - built} - {line.rpartition(": ")[0] for line in built}
    )
    if not differences:
        more = f"; it has {added} members that this version does not read" if added else ""
        return Probe(
            "contract", True, f"the WSDL has all {len(built)} operations, members and types of this version{more}"
        )
    shown = "; ".join(differences[:_MOST_SHOWN])
    rest = f"; and {len(differences) - _MOST_SHOWN} more" if len(differences) > _MOST_SHOWN else ""
    return Probe(
        "contract",
        False,
        f"the WSDL differs from the one this version was built for: {shown}{rest}",
        blames_login=False,
    )


def _types(shape: Shape, seen: set[int]) -> Iterator[str]:
    if shape.scalar is not None or id(shape) in seen:
        return
    seen.add(id(shape))
    for member in shape.members:
        yield f"{shape.name}.{member.name}: {_type_of(member)}"
        yield from _types(member.shape, seen)


def _type_of(member: Member) -> str:
    return f"{member.shape.scalar or member.shape.name}{'*' if member.repeated else ''}"
