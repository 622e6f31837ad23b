"""`synthstream compare`: whether a synthetic topic still represents the real one it stands for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from monitors.bands import Band, Tolerance
from monitors.prometheus import AskedExporter
from schemas.errors import InputError
from schemas.stream import StreamSpec
from stream_app.assemble import Outside, reached
from stream_app.comparison import AdviceTopic, Asked, announced, comparing, feed_of, matched
from stream_app.options import as_json, dry_run, show, where
from stream_app.publish import Clock
from stream_app.settings import (
    BOOTSTRAP_VARIABLE,
    CONNECTION_VARIABLE,
    EMBEDDED,
    REGISTRY_VARIABLE,
    Place,
    place,
)
from stream_app.specs import stream_spec
from stream_app.terminal import until_interrupted
from stream_app.watching.comparing import Comparing
from stream_app.web import Web, app, serve

HOST = "0.0.0.0"
PAGE = "compare.html"


@dataclass(frozen=True)
class Where:
    """Where both topics are, as the flags say.

    Raises:
        InputError: the real topic's cluster is described twice.
    """

    synthetic: str
    artifact: Path | None
    bootstrap: str | None
    registry: str | None
    real_bootstrap: str | None
    real_registry: str | None
    real_connection: Path | None

    def __post_init__(self) -> None:
        if self.real_connection is not None and (self.real_bootstrap or self.real_registry):
            raise InputError(
                f"real_connection={self.real_connection}: says where the real topic is; "
                "leave out --real-bootstrap and --real-registry"
            )

    @property
    def spec(self) -> StreamSpec | None:
        """The synthetic stream, where a file says what it is."""
        if not Path(self.synthetic).is_file():
            return None
        flags = {"bootstrap": self.bootstrap, "registry": self.registry, "artifact": self.artifact_here}
        return stream_spec(Path(self.synthetic), flags, os.environ)

    @property
    def artifact_here(self) -> str | None:
        """The artifact that was named, wherever the stream's file lies."""
        return None if self.artifact is None else str(self.artifact.absolute())

    @contextmanager
    def reached(self) -> Iterator[tuple[StreamSpec, Outside, Outside]]:
        """The synthetic stream, where the real topic is, and where the synthetic one is.

        Raises:
            InputError: a broker would be one of our own, or as settling where things are says.
        """
        spec = self.spec
        if spec is None:
            near = place(self.bootstrap, self.registry, None, os.environ)
        else:
            near = place(spec.bootstrap, spec.registry, spec, os.environ)
        far = self.far(near)
        if EMBEDDED in (near.bootstrap, far.bootstrap):
            raise InputError(
                "bootstrap=embedded: a broker of our own holds no topics; name the one that the topics are on"
            )
        with ExitStack() as stack:
            synthetic = stack.enter_context(reached(near))
            real = synthetic if far == near else stack.enter_context(reached(far))
            if spec is None:
                spec = announced(self.synthetic, synthetic.cluster)
                named = self.artifact_here
                spec = spec if named is None else spec.model_copy(update={"artifact": Path(named)})
            yield spec, real, synthetic

    def far(self, near: Place) -> Place:
        """Where the real topic is: as for the other, but for what is said.

        Args:
            near: where the other is.
        """
        if self.real_connection is not None:
            bare = {k: v for k, v in os.environ.items() if k not in (BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE)}
            return place(None, None, None, {**bare, CONNECTION_VARIABLE: str(self.real_connection)})
        if self.real_bootstrap is None and self.real_registry is None:
            return near
        far = place(self.real_bootstrap or near.bootstrap, self.real_registry or near.registry, None, os.environ)
        kafka = near.kafka if self.real_bootstrap is None else far.kafka
        registry_settings = near.registry_settings if self.real_registry is None else far.registry_settings
        return replace(far, kafka=kafka, registry_settings=registry_settings)


def real_side(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where the real topic is, if not where the synthetic one is."""
    told = "YAML that says how the real topic's broker and registry are reached, as SYNTHSTREAM_CONNECTION's does."
    for option in (
        click.option("--real-connection", metavar="FILE", type=click.Path(path_type=Path), help=told),
        click.option("--real-registry", metavar="URL", help="Registry of the real topic, if it is another."),
        click.option("--real-bootstrap", metavar="HOST:PORT", help="Broker of the real topic, if it is another."),
    ):
        command = option(command)
    return command


def judging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what counts, and when."""
    least = click.FloatRange(0, min_open=True)
    for option in (
        click.option("--after", default=3, show_default=True, help="Advise after so many worst windows in a row."),
        click.option("--clear-after", default=3, show_default=True, help="Windows in a row that better a band."),
        click.option(
            "--windows-per-false-band",
            default=10_000.0,
            show_default=True,
            help="Of so many windows at most one judges a column falsely, on average.",
        ),
        click.option("--lost", default=0.1, show_default=True, help="Distance beyond which it no longer represents."),
        click.option("--drifting", default=0.05, show_default=True, help="Distance beyond which a column is drifting."),
        click.option("--window", default=300.0, show_default=True, type=least, help="Length of windows, in seconds."),
    ):
        command = option(command)
    return command


@click.command("compare")
@click.option("--real", required=True, metavar="TOPIC", help="The real topic.")
@click.option(
    "--synthetic",
    required=True,
    metavar="TOPIC|STREAM.yaml",
    help="The topic that stands for it, or its stream's file.",
)
@click.option("--artifact", type=click.Path(path_type=Path), help="What draws the synthetic topic, where no file says.")
@click.option("--without", multiple=True, metavar="COLUMN", help="A column that is not compared; repeatable.")
@judging
@real_side
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of page and metrics; 0 for a free one.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest record of both instead of the next one.")
@click.option("--once", is_flag=True, help="End once every column is judged: exit code 0 if it represents, 1 if not.")
@click.option("--for", "for_s", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="End after so long.")
@where
@dry_run
@as_json
def compare_command(real: str, synthetic: str, without: tuple[str, ...], **flags: Any) -> int:
    """Watch a real topic beside the synthetic one that stands for it, and say when to train anew.

    Both are counted over windows of equal length. What is shown and served is how well each column is represented:
    represents, drifting or no longer represents, and nothing else of the real topic. A column is unknown until a window
    of each topic has some 3,000 of its values. Advice goes to the log, to standard output and to the topic
    <stream>.advice.
    """
    away, ends = _where(synthetic, flags), Ends(flags["once"], flags["for_s"])
    asked = _asked(real, without, flags)
    with away.reached() as (spec, outside, at_home):
        feed = feed_of(spec, at_home)
        found, layout = common = matched(asked, feed, outside, at_home)
        about = {"stream": spec.stream, "real": real, "synthetic": spec.topic}
        columns = {"compared": [column.name for column in layout.columns], "left_out": found.left_out}
        if flags["dry_run"]:
            show({**about, **columns}, flags["as_json"])
            return 0
        compared = comparing(asked, feed, common, (outside, at_home), Clock().now_ms)
        topic = AdviceTopic(spec, at_home.cluster)
        exporter = AskedExporter(compared.series)
        web = Web(compared.state, exporter.render, lambda: compared.judged, page=PAGE)
        listen = spec.monitor.port if flags["port"] is None else flags["port"]
        with until_interrupted() as stop, serve(app(web), HOST, listen) as served:
            show({"page": served.url, "metrics": f"{served.url}/metrics", **columns}, flags["as_json"])
            while not stop.is_set() and not ends.reached(compared):
                for advice in compared.step():
                    topic.write(advice)
                    _tell(advice, flags["as_json"])
            by_itself = not stop.is_set()
        show({**about, **_outcome(compared)}, flags["as_json"])
    return int(by_itself and compared.verdict.band is not Band.REPRESENTS)


class Ends:
    """When the command ends by itself.

    Args:
        once: at the first verdict.
        for_s: after so many seconds; None for never.
        now_s: the time on some clock, in seconds.
    """

    def __init__(self, once: bool, for_s: float | None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._once, self._now_s = once, now_s
        self._until = None if for_s is None else now_s() + for_s

    def reached(self, compared: Comparing) -> bool:
        """Whether it ends now."""
        late = self._until is not None and self._now_s() >= self._until
        return late or (self._once and compared.verdict.band is not Band.UNKNOWN)


def _where(synthetic: str, flags: Mapping[str, Any]) -> Where:
    names = ("artifact", "bootstrap", "registry", "real_bootstrap", "real_registry", "real_connection")
    return Where(synthetic, *(flags[name] for name in names))


def _asked(real: str, without: tuple[str, ...], flags: Mapping[str, Any]) -> Asked:
    tolerance = Tolerance(flags["drifting"], flags["lost"], flags["windows_per_false_band"], flags["clear_after"])
    start = "earliest" if flags["from_start"] else "latest"
    return Asked(real, without, flags["window"], tolerance, flags["after"], start, flags["real_connection"])


def _tell(advice: Mapping[str, Any], as_json: bool) -> None:
    columns = ", ".join(f"{each['column']} ({', '.join(each['changes'])})" for each in advice["columns"])
    show(advice if as_json else {**advice, "columns": columns}, as_json)


def _outcome(compared: Comparing) -> dict[str, Any]:
    verdict, sides = compared.verdict, (compared.real, compared.synthetic)
    return {
        "band": verdict.band.words,
        "columns": {name: column.band.words for name, column in verdict.columns.items()},
        "advised": compared.advising.given,
        "silent": [side.name for side in sides if side.silent],
        "foreign": [side.name for side in sides if side.foreign],
    }
