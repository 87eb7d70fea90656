"""How long the catalog's pages take to load in a browser, with many agencies as partitions.

    AMS_ETL_HOME=~/.ams-etl .venv/bin/python -m benchmarks.catalog_pages --agencies 100

Fills the Dagster instance of that home (after `ams-etl demo`) with a materialization of every asset and a result of every check
for so many agencies, starts the UI's server alone, and opens each page three times. The daemon must not run: it would remove
agencies that agencies.yaml does not have.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PAGES = {
    "asset graph, group contacts": ("/locations/ams_etl/asset-groups/contacts", "contact_candidates"),
    "contacts: overview": ("/assets/mart/contacts?view=overview", "One row a contact"),
    "contacts: partitions": ("/assets/mart/contacts?view=partitions", "agency-000"),
    "contacts: checks": ("/assets/mart/contacts?view=checks", "the_volume_is_as_usual"),
    "contacts: lineage": ("/assets/mart/contacts?view=lineage", "contact_plan"),
}


def fill(agencies: int) -> None:
    import dagster as dg

    from ams_etl.definitions import defs

    with dg.DagsterInstance.get() as instance:
        names = [f"agency-{number:03}" for number in range(agencies)]
        instance.add_dynamic_partitions("agency", names)
        graph = defs().resolve_asset_graph()
        for key in graph.materializable_asset_keys:
            if graph.get(key).partitions_def is None:
                continue
            done = instance.get_materialized_partitions(key)
            for name in names:
                if name not in done:
                    instance.report_runless_asset_event(
                        dg.AssetMaterialization(key, partition=name, metadata={"dagster/row_count": 2000})
                    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--agencies", type=int, default=100)
    parser.add_argument("--port", type=int, default=3997)
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from ams_etl.cli.instance import prepare
    from ams_etl.settings.shipped import shipped

    prepare()
    started = time.monotonic()
    fill(asked.agencies)
    print(f"filled in {time.monotonic() - started:.0f} s; load {os.getloadavg()[0]:.1f}")
    server = subprocess.Popen([
        str(Path(sys.executable).parent / "dagster-webserver"), "-w", str(shipped("workspace.yaml")), "-p", str(asked.port),
        "--log-level", "warning",
    ])  # fmt: skip
    url = f"http://127.0.0.1:{asked.port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.5)
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            for name, (path, text) in PAGES.items():
                took = []
                for _ in range(4):
                    page = browser.new_page(viewport={"width": 1500, "height": 1000})
                    began = time.monotonic()
                    page.goto(f"{url}{path}")
                    page.get_by_text(text).first.wait_for(timeout=60_000)
                    took.append(time.monotonic() - began)
                    page.close()
                print(f"{name:<32} {statistics.median(took[1:]):5.2f} s   (first {took[0]:.2f} s)", flush=True)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
