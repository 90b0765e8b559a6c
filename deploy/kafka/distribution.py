"""Apache Kafka as jars in a folder: fetched once through Maven, as pinned in `pom.xml`."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
POM = Path(__file__).with_name("pom.xml")
CACHE = PROJECT / ".cache" / "kafka"


class KafkaMissing(Exception):
    """Kafka cannot run here. The message says what to install."""


def java() -> str:
    """The Java to run brokers on. Raises KafkaMissing."""
    found = shutil.which("java")
    if found is None:
        raise KafkaMissing("Kafka needs Java 17 or newer (Debian: apt-get install default-jre-headless)")
    return found


def fetch(cache: Path = CACHE) -> Path:
    """The folder of Kafka's jars; filled when it is not there yet. Raises KafkaMissing.

    Named after the pom, so that another pin is another folder; whole or absent, also when two fetch at once.
    """
    libraries = cache / f"libs-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if libraries.is_dir():
        return libraries
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissing("fetching Kafka needs Maven (Debian: apt-get install maven)")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if libraries.is_dir():
            return libraries
        unfinished = cache / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        done = subprocess.run(
            [maven, "-q", "-B", "-C", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={unfinished}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise KafkaMissing(f"Maven could not fetch Kafka: {(done.stdout or done.stderr).strip()[:1000]}")
        unfinished.rename(libraries)
    return libraries
