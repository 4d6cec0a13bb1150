"""The files of deploy/ are whole: manifests that agree with each other, and a health check that tells the truth.

There is no container engine and no cluster here: what Docker and Kubernetes make of them is not tested.
"""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

ROOT = Path(__file__).parents[3]
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def read(name: str) -> dict[str, Any]:
    """Return the one document of a manifest."""
    return yaml.safe_load((ROOT / "deploy" / "kubernetes" / name).read_text())


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_manifest_is_one_document(path: Path) -> None:
    """It parses, and says what it is, but for the values of another project's chart."""
    (form,) = yaml.safe_load_all(path.read_text())
    if path.name != "prometheus-adapter.yaml":
        assert {"apiVersion", "kind"} <= form.keys()


def test_the_kustomization_names_what_is_there() -> None:
    """Each file but the two that it says it leaves out."""
    left_out = {"kustomization.yaml", "prometheus-adapter.yaml", "kserve.yaml"}
    assert set(read("kustomization.yaml")["resources"]) == {each.name for each in MANIFESTS} - left_out


def test_the_manifests_agree() -> None:
    """Labels, ports and names that one gives and another uses are the same."""
    deployment = read("deployment.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert read("service.yaml")["spec"]["selector"] == labels
    for name, key in (("disruption.yaml", "selector"), ("network.yaml", "podSelector")):
        assert read(name)["spec"][key]["matchLabels"] == labels
    target = read("autoscaler.yaml")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (deployment["kind"], deployment["metadata"]["name"])
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in server["ports"]}
    assert {f"--port={ports['grpc']}", f"--metrics-port={ports['metrics']}"} <= set(server["args"])
    assert read("service.yaml")["spec"]["ports"][0]["port"] == ports["grpc"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["grpc"]["port"] == ports["grpc"]
    volumes = {each["name"] for each in deployment["spec"]["template"]["spec"]["volumes"]}
    assert {each["name"] for each in server["volumeMounts"]} == volumes


def test_the_autoscaler_reads_what_the_adapter_makes() -> None:
    """From metrics that the server has."""
    rules = read("prometheus-adapter.yaml")["rules"]["custom"]
    wanted = {each["pods"]["metric"]["name"] for each in read("autoscaler.yaml")["spec"]["metrics"]}
    assert wanted == {each["name"]["as"] for each in rules}
    source = (ROOT / "src" / "understudy" / "serving" / "prometheus.py").read_text()
    for series in re.findall(r"understudy_(\w+)\{", " ".join(each["metricsQuery"] for each in rules)):
        name = series.removesuffix("_total")
        assert f'"{name}"' in source or f'"understudy_{name}"' in source, name


def test_nothing_runs_as_root() -> None:
    """Neither in the image nor in the pod, which can also write nowhere but in its memory."""
    pod = read("deployment.yaml")["spec"]["template"]["spec"]
    security = pod["containers"][0]["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    instructions = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in instructions


def test_the_image_copies_what_is_there() -> None:
    """Each source of a COPY exists, and the ignore file lets it through."""
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    allowed = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().split()
    for source in (name for names in copied for name in names):
        assert (ROOT / source).exists()
        assert f"!{source}" in allowed


def check_health(address: str) -> subprocess.CompletedProcess[str]:
    """Run the health check as the image does."""
    command = [sys.executable, str(ROOT / "deploy" / "health.py"), address]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_health_check_tells_the_truth() -> None:
    """0 while the server serves, 1 with a sentence once it stops serving, and where there is none."""
    servicer = health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    assert check_health(address).returncode == 0
    servicer.enter_graceful_shutdown()
    draining = check_health(address)
    assert (draining.returncode, draining.stderr) == (1, f"{address} does not serve: NOT_SERVING\n")
    server.stop(0).wait()
    gone = check_health(address)
    assert gone.returncode == 1
    assert f"{address} does not answer" in gone.stderr
