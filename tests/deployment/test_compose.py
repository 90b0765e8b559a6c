"""`docker-compose.kafka.yml`, as the real `docker compose` reads it: complete, limited, and closed without secrets."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from vaultra.catalogue import STAGES
from vaultra.cli import app
from vaultra.settings import Settings, Stripe, names

PROJECT = Path(__file__).parents[2]
COMPOSE = "docker-compose.kafka.yml"
THREE = "docker-compose.kafka.three.yml"
# Their names say that their values are secret; a path or an address of a public thing is none.
_SECRET = re.compile(r"PASSWORD|SECRET|_KEY$|TOKEN|ROOT_USER|KEY_ID|CLUSTER_ID|DATABASE_URL|DSN")


def _program() -> str:
    """The program inside its wrapper, which swallows exit codes."""
    spec = find_spec("compose")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("docker-compose"))


def compose(*arguments: str, env_file: Path | None = None, files: tuple[str, ...] = (COMPOSE,)) -> Any:
    command = [_program(), "--env-file", str(env_file or os.devnull)]
    for file in files:
        command += ["-f", file]
    command += arguments
    return subprocess.run(
        command,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
    )


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `new-env.sh` writes it."""
    file = tmp_path_factory.mktemp("compose") / "env"
    subprocess.run([str(PROJECT / "deploy/compose/new-env.sh"), str(file)], check=True, capture_output=True)
    return file


@pytest.fixture(scope="module", params=[(COMPOSE,), (COMPOSE, THREE)], ids=["one broker", "three brokers"])
def services(request: pytest.FixtureRequest, env_file: Path) -> dict[str, dict[str, Any]]:
    """Every service of every profile, merged and interpolated."""
    done = compose("--profile", "*", "config", env_file=env_file, files=request.param)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return yaml.safe_load(done.stdout)["services"]


def test_compose_refuses_to_start_when_a_secret_is_missing(env_file: Path, tmp_path: Path) -> None:
    required = [line.partition("=")[0] for line in env_file.read_text().splitlines() if re.match(r"\w+=\S{15,}$", line)]
    assert len(required) == 6
    for name in required:
        lines = [line for line in env_file.read_text().splitlines() if not line.startswith(f"{name}=")]
        for kept in (lines, [*lines, f"{name}="]):
            (tmp_path / "env").write_text("\n".join(kept))
            done = compose("config", "-q", env_file=tmp_path / "env")
            assert done.returncode != 0
            assert name in done.stderr
            assert "new-env.sh" in done.stderr


def test_new_env_makes_other_secrets_each_time_and_never_replaces_them(env_file: Path, tmp_path: Path) -> None:
    script = str(PROJECT / "deploy/compose/new-env.sh")
    subprocess.run([script, str(tmp_path / "env")], check=True, capture_output=True)
    assert (tmp_path / "env").stat().st_mode & 0o077 == 0
    ours, theirs = (set(file.read_text().splitlines()) for file in (tmp_path / "env", env_file))
    assert {line.partition("=")[0] for line in ours - theirs} == {
        "POSTGRES_PASSWORD",
        "MINIO_ROOT_USER",
        "MINIO_ROOT_PASSWORD",
        "BLOBS_ACCESS_KEY_ID",
        "BLOBS_SECRET_ACCESS_KEY",
        "KAFKA_CLUSTER_ID",
    }
    before = (tmp_path / "env").read_text()
    assert subprocess.run([script, str(tmp_path / "env")], check=False, capture_output=True).returncode != 0
    assert (tmp_path / "env").read_text() == before


def test_no_secret_stands_in_the_files() -> None:
    """Values of secret names come from outside, whole: `${NAME:?…}` or, for what is optional, `${NAME:-}`."""
    found = 0
    for file in (COMPOSE, THREE):
        for line in (PROJECT / file).read_text().splitlines():
            match = re.match(r"\s+([A-Z0-9_]+): (.+)$", line)
            if match and _SECRET.search(match[1]):
                found += 1
                assert re.search(r"\$\{\w+(:\?[^}]+|:-)\}", match[2]), line
                assert re.sub(r"\$\{[^}]*\}", "", match[2]) in ("", "postgresql://vaultra:@postgres:5432/vaultra"), line
    assert found > 15


def test_every_service_is_limited_checked_and_without_rights(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= limits.keys(), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", ())), name
        if service["restart"] == "no":
            continue  # ends by itself, and others wait for its success
        assert service["healthcheck"]["test"], name


def test_only_the_front_is_reached_from_outside(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert published.keys() == {"api", "traefik"}
    assert {port["host_ip"] for port in published["api"]} == {"127.0.0.1"}
    for name in ("kafka", "postgres", "minio", "execution", "critic", "conclusion", "projections"):
        assert set(services[name]["networks"]) == {"inner"}, name


def ours(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services.items() if service["image"].startswith("vaultra:")}


def test_every_stage_is_a_service_when_it_is_declared(services: dict[str, dict[str, Any]]) -> None:
    stages = {
        service["command"][1]: name for name, service in ours(services).items() if service["command"][0] == "stage"
    }
    assert stages == {stage.name: stage.name for stage in STAGES}


def test_commands_exist_on_the_command_line(services: dict[str, dict[str, Any]]) -> None:
    root = typer.main.get_command(app)
    for name, service in ours(services).items():
        command: Any = root
        words = list(service["command"])
        while hasattr(command, "commands"):
            assert words[0] in command.commands, f"{name}: vaultra has no command {' '.join(service['command'])}"
            command, words = command.commands[words[0]], words[1:]
        command.make_context(name, words)


def test_settings_exist_when_services_set_them(services: dict[str, dict[str, Any]]) -> None:
    known = set(names(Settings))
    for name, service in ours(services).items():
        unknown = {key for key in service["environment"] if key.startswith("VAULTRA_")} - known
        assert not unknown, name


def test_kafka_is_the_version_that_is_tested() -> None:
    pom = (PROJECT / "deploy/kafka/pom.xml").read_text()
    versions = re.findall(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)</version>", pom)
    images = re.findall(r"image: apache/kafka:([\d.]+)", (PROJECT / COMPOSE).read_text())
    assert images == versions


def test_three_brokers_keep_every_event_twice(env_file: Path) -> None:
    done = compose("config", env_file=env_file, files=(COMPOSE, THREE))
    merged = yaml.safe_load(done.stdout)["services"]
    brokers = [merged[name] for name in ("kafka", "kafka-2", "kafka-3")]
    assert {broker["environment"]["KAFKA_NODE_ID"] for broker in brokers} == {"1", "2", "3"}
    assert {broker["environment"]["KAFKA_MIN_INSYNC_REPLICAS"] for broker in brokers} == {"2"}
    assert len({broker["volumes"][0]["source"] for broker in brokers}) == 3
    assert all(len(broker["volumes"]) == 1 for broker in brokers)
    assert merged["topics"]["environment"]["VAULTRA_KAFKA__REPLICATION"] == "3"


def test_stages_stop_by_themselves_when_compose_would_still_wait(services: dict[str, dict[str, Any]]) -> None:
    for stage in STAGES:
        service = services[stage.name]
        assert service["stop_grace_period"] == "2m30s"
        assert 60 <= float(service["environment"]["VAULTRA_STOP_GRACE"]) <= 130, "and has time to leave its group"


def test_stripes_services_share_what_is_granted_and_are_told_the_same(services: dict[str, dict[str, Any]]) -> None:
    """The API is granted an account's token; the stage that reads the account is another container."""
    api, followup = services["api"], services["followup"]
    folders = []
    for service in (api, followup):
        data_dir = service["environment"]["VAULTRA_DATA_DIR"]
        (volume,) = [one for one in service["volumes"] if one["target"] == data_dir]
        assert (volume["type"], volume.get("read_only", False)) == ("volume", False)
        folders.append((volume["source"], data_dir))
    assert folders[0] == folders[1]
    for name in names(Stripe, "VAULTRA_STRIPE__"):
        if not name.endswith("_BASE"):
            assert name in api["environment"], name
            assert api["environment"][name] == followup["environment"][name], name
    others = [name for name, service in services.items() if "VAULTRA_STRIPE__API_KEY" in service.get("environment", {})]
    assert sorted(others) == ["api", "followup"]


def test_who_asks_stripe_gets_out(services: dict[str, dict[str, Any]]) -> None:
    assert set(services["followup"]["networks"]) == {"inner", "egress"}
    assert set(services["api"]["networks"]) > {"inner"}
