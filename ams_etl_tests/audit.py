"""Say what `pip-audit` found, and whether it could ask at all: `python -m ams_etl_tests.audit FILE`, as `make audit` does.

pip-audit itself ends well, with a long list, where the package index knows nothing of any package: then nothing was audited.
"""

import json
import sys
from pathlib import Path
from typing import Any


def verdict(written: str) -> tuple[str, int]:
    """Return the lines for people and the exit code: 0 where some packages were asked about and none has a weakness.

    Args:
        written: pip-audit's output with `--format json`; empty where it ended without any.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(written)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return "not audited: the package index does not answer", 1
    skipped = sorted(package["name"] for package in packages if "skip_reason" in package)
    asked = len(packages) - len(skipped)
    if not asked:
        return f"not audited: the package index has no advisories for any of the {len(packages)} packages", 1
    weak = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}"
        for package in packages
        for weakness in package.get("vulns", ())
    ]
    lines = [*weak, f"{asked} of {len(packages)} packages audited, {len(weak)} known weaknesses"]
    if skipped:
        lines.append(f"not audited, as the package index does not know them: {', '.join(skipped)}")
    return "\n".join(lines), int(bool(weak))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    said, code = verdict(file.read_text() if file.exists() else "")
    print(said)
    sys.exit(code)
