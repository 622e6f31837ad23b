"""What docker-compose.yml and deploy/ say agrees with the code, and with itself. No Docker engine is needed."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from monitors.evidence import Subject
from monitors.prometheus import Exporter, PublisherExporter
from schemas.stream import load
from stream_app.cli import main
from stream_app.settings import BOOTSTRAP_VARIABLE, METRICS_PORT, PAGE_PORT, REGISTRY_VARIABLE, place

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = ("worker", "monitor")
NEEDED = {"kafka", "registry", "redis", "postgres", "prometheus", "alertmanager", "grafana", *OURS}
PINNED = re.compile(r"[\w./-]+:v?\d+(\.\d+)+(-[\w.]+)*")


def document(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text())


def checked(program: str, *arguments: str, cwd: Path = ROOT) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (`bash deploy/programs.sh` names its package)")
    done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def mounts(service: str) -> dict[str, str]:
    """Where in the container -> what of this repository, for bind mounts."""
    split = (volume.split(":") for volume in SERVICES[service].get("volumes", ()))
    return {inside: outside.removeprefix("./") for outside, inside, *_ in split if outside.startswith(".")}


def published_ports(service: str) -> set[int]:
    return {int(port.split(":")[-1]) for port in SERVICES[service].get("ports", ())}


def instructions(name: str) -> Iterator[list[str]]:
    """The Dockerfile's instructions of that name, each as its words."""
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    for line in joined.splitlines():
        if line.startswith(f"{name} "):
            yield line.split()[1:]


def test_the_whole_set_is_there() -> None:
    assert set(SERVICES) >= NEEDED


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_healthy_and_reachable_from_here_only(name: str) -> None:
    service = SERVICES[name]
    assert PINNED.fullmatch(service["image"]), service["image"]
    probe = service["healthcheck"]
    assert probe.get("disable") or probe["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert all((ROOT / outside).exists() for outside in mounts(name).values()), mounts(name)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_exists_and_can_become_so(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        lives_on = not SERVICES[other]["healthcheck"].get("disable")
        assert how["condition"] == ("service_healthy" if lives_on else "service_completed_successfully")


def test_no_two_services_want_the_same_port() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_the_codes_and_lead_to_the_broker_and_the_registry(name: str) -> None:
    where = place(None, None, None, SERVICES[name]["environment"])
    assert set(SERVICES[name]["environment"]) == {BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE}
    kafka = SERVICES["kafka"]["environment"]
    inside, outside = kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert f"INSIDE://{where.bootstrap}" == inside
    assert int(outside.rpartition(":")[2]) in published_ports("kafka")
    registry = SERVICES["registry"]["environment"]
    assert registry["SCHEMA_REGISTRY_LISTENERS"].replace("0.0.0.0", "registry") == where.registry
    assert registry["SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS"] == f"PLAINTEXT://{where.bootstrap}"


def test_every_listener_of_the_broker_is_declared() -> None:
    kafka = SERVICES["kafka"]["environment"]
    listeners = {listener.split(":")[0] for listener in kafka["KAFKA_LISTENERS"].split(",")}
    protocols = {entry.split(":")[0] for entry in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")}
    assert listeners == protocols == {"INSIDE", "OUTSIDE", kafka["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert len(base64.urlsafe_b64decode(kafka["CLUSTER_ID"] + "==")) == 16


def test_the_broker_is_the_one_that_maven_fetches() -> None:
    pom = (DEPLOY / "kafka" / "pom.xml").read_text()
    assert SERVICES["kafka"]["image"].split(":")[1] in pom


def test_the_ports_are_the_codes() -> None:
    assert published_ports("worker") == {METRICS_PORT}
    assert published_ports("monitor") == {PAGE_PORT}
    assert {int(port) for words in instructions("EXPOSE") for port in words} == {METRICS_PORT, PAGE_PORT}
    assert all(str(METRICS_PORT) in " ".join(SERVICES["worker"][key]) for key in ("command", "ports"))


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_ones_the_program_has(name: str) -> None:
    command, *arguments = SERVICES[name]["command"]
    found = main.get_command(click.Context(main), command)
    assert found is not None
    found.make_context(command, list(arguments))


def test_the_stream_is_one_the_program_reads() -> None:
    inside = {mount: file for mount, file in mounts("worker").items() if mount.startswith("/streams/")}
    assert inside == mounts("monitor")
    ((mount, file),) = inside.items()
    assert SERVICES["worker"]["command"][1] == SERVICES["monitor"]["command"][1] == mount
    spec = load(ROOT / file)
    assert spec.monitor.port == PAGE_PORT
    trained = Path(SERVICES["train"]["command"][0]).relative_to("/streams")
    assert spec.artifact == (ROOT / file).parent / trained


def test_training_reads_the_installed_table_and_happens_once(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "synthstream"
    program.write_text(f'#!/bin/sh\necho "$@" >>{said}\nmkdir -p "$6" && touch "$6/manifest.json"\n')
    program.chmod(0o755)
    paths = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    (script,) = mounts("train").values()
    command = ["sh", str(ROOT / script), str(tmp_path / "artifacts" / "flights")]
    for _ in range(2):
        subprocess.run(command, env={**os.environ, "PATH": paths}, check=True, timeout=60)
    (line,) = said.read_text().splitlines()
    verb, table, *_ = line.split()
    assert verb == "train"
    assert Path(table).is_file()
    assert main.get_command(click.Context(main), verb).make_context(verb, line.split()[1:])  # type: ignore[union-attr]


def test_the_image_runs_the_program_as_nobody_special() -> None:
    bases = [words[0] for words in instructions("FROM")]
    assert all(PINNED.fullmatch(base) and base.startswith("python:3.11.") for base in bases), bases
    assert len(set(bases)) == 1
    assert list(instructions("USER")) == [["synthstream"]]
    assert json.loads(" ".join(next(instructions("ENTRYPOINT")))) == ["synthstream"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"synthstream:{version}"}
    assert main.get_command(click.Context(main), json.loads(" ".join(next(instructions("CMD"))))[0]) is not None


def test_the_image_is_built_from_every_package_and_the_builder_gets_them() -> None:
    copied = {word for words in instructions("COPY") if not words[0].startswith("--from") for word in words[:-1]}
    assert copied >= {"schemas", "generators", "monitors", "connectors", "stream_app", "pyproject.toml"}
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule[0] == "!"} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_prometheus_scrapes_what_is_served_and_reads_rules_that_are_mounted() -> None:
    config = document("prometheus/prometheus.yml")
    targets = {t for job in config["scrape_configs"] for group in job["static_configs"] for t in group["targets"]}
    assert targets == {f"worker:{METRICS_PORT}", f"monitor:{PAGE_PORT}"}
    inside = mounts("prometheus")
    for rules in config["rule_files"]:
        assert inside[f"/etc/prometheus/{rules}"] == f"deploy/prometheus/{rules}"
    ((managers,),) = [group["targets"] for m in config["alerting"]["alertmanagers"] for group in m["static_configs"]]
    name, port = managers.split(":")
    assert int(port) in published_ports(name)


def test_every_severity_has_somebody_who_hears_of_it() -> None:
    groups = document("prometheus/alerts.yml")["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    route = document("alertmanager/alertmanager.yml")["route"]
    routed = {m.split('"')[1] for child in route["routes"] for m in child["matchers"]} | {route["receiver"]}
    assert {rule["labels"]["severity"] for rule in rules} == routed


def test_grafana_asks_the_prometheus_of_the_set_for_series_that_are_exported() -> None:
    source = document("grafana/provisioning/datasources/prometheus.yml")["datasources"][0]
    name, port = source["url"].removeprefix("http://").split(":")
    assert int(port) in published_ports(name)
    provider = document("grafana/provisioning/dashboards/synthstream.yml")["providers"][0]
    assert provider["options"]["path"] in mounts("grafana")
    exporter = Exporter("s", [Subject("drift_ks", "c")])
    text = (exporter.render() + PublisherExporter("s").render()).decode()
    exported = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    for path in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        board = path.read_text()
        assert all(panel["datasource"]["uid"] == source["uid"] for panel in json.loads(board)["panels"])
        asked = {re.sub(r"_bucket$", "", series) for series in re.findall(r"\bsynthstream_\w+", board)}
        assert asked
        assert asked <= exported, asked - exported


def test_the_pattern_of_a_pinned_image_refuses_moving_ones() -> None:
    moving = ("python", "python:latest", "python:3", "apache/kafka:latest")
    assert not any(PINNED.fullmatch(image) for image in moving)
    assert PINNED.fullmatch("apache/kafka:4.1.1")


def test_prometheus_reads_its_configuration() -> None:
    checked("promtool", "check", "config", "deploy/prometheus/prometheus.yml")


def test_alertmanager_reads_its_configuration() -> None:
    checked("amtool", "check-config", "deploy/alertmanager/alertmanager.yml")


def test_compose_reads_the_set() -> None:
    plugin = (
        subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if shutil.which("docker")
        else None
    )
    if plugin is None or plugin.returncode != 0:
        pytest.skip("docker compose is not installed")
    checked("docker", "compose", "config", "--quiet")


def test_the_shell_scripts_parse() -> None:
    scripts = [path for path in (*DEPLOY.rglob("*.sh"), ROOT / ".ci" / "run") if not fnmatch(str(path), "*/target/*")]
    for script in scripts:
        checked("bash", "-n", str(script))


def test_missing_programs_are_named_and_hold_nothing_up(tmp_path: Path) -> None:
    for program in ("bash", "id", "kcat"):
        (tmp_path / program).symlink_to(shutil.which("bash") or "")
    environment = {"PATH": str(tmp_path), "SYNTHSTREAM_APT": "no"}
    command = [str(tmp_path / "bash"), str(DEPLOY / "programs.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    named = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("missing:")]
    assert named == ["java", "mvn", "promtool", "amtool", "chromium"]
