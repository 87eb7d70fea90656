"""`ams-etl follow`: the warm worker."""

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.progress import show_progress


@click.command()
@click.option("--at-once", default=4, show_default=True, help="Agencies served at once, in each direction.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Where /metrics listens.")
@click.option("--metrics-port", default=0, show_default=True, help="Serve /metrics for Prometheus; 0 does not.")
def follow(at_once: int, metrics_host: str, metrics_port: int) -> None:
    """Publish notified changes and deliver writebacks within about two seconds, until Ctrl-C or SIGTERM.

    Any number may run; each agency is served by one at a time. Without any, the sensors of `ams-etl up` do its work, slower.
    """
    from ams_etl.follow.follower import Follower

    url = prepare()
    show_progress()
    follower = Follower(url, at_once=at_once)
    if metrics_port:
        follower.metrics.serve(metrics_host, metrics_port, lambda: follower.working)
    follower.run()
