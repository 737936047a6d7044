"""Connect to a cluster, or start one on this machine, and look at its workers before work starts."""

from __future__ import annotations

import contextlib
import logging
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import dask
from distributed import Client, LocalCluster, WorkerPlugin

from wildetect.detection.network.detector import BATCH_SIZE
from wildetect.detection.network.devices import cores
from wildetect.detection.run.run import RunPlan
from wildetect.errors import ConfigurationError, ServerError
from wildetect.execution.address import Cluster, idle_maps
from wildetect.execution.likeness import versions_here
from wildetect.execution.model_files import WeightsFile, send
from wildetect.execution.portion import Answer, Job, Photo, Unfit, made_ready, photo_of
from wildetect.registry.weights.weights_file import sha256_of
from wildetect.settings.words import Device
from wildetect.wording import number_of

__all__ = ["joined"]

_PATIENCE = 8  # s, for a scheduler to answer and a first worker to be there
_FOLDER_PATIENCE = 60.0  # s, for a worker's folder to answer; no longer than `wildetect.patience`

# Dask looks at itself 50 times a second, in each process: that is a fiftieth of a core which passes need
_CALM = {
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.worker.profile.enabled": False,
}
_OF_A_TERMINAL = ("SIGINT", "SIGBREAK", "SIGHUP")


class _Undisturbed(WorkerPlugin):  # type: ignore[misc] # Dask is an extra, its types are not known
    """Leaves Ctrl+C to the parent: a terminal sends it to all processes of a command."""

    def setup(self, worker: Any) -> None:
        """Called in the process of a worker, in its main thread."""
        del worker
        for name in _OF_A_TERMINAL:
            known = getattr(signal, name, None)
            if known is not None:
                signal.signal(known, signal.SIG_IGN)


@contextlib.contextmanager
def joined(
    cluster: Cluster, plan: RunPlan, notice: Callable[[str], None], batch_size: int = BATCH_SIZE
) -> Iterator[tuple[Client, Job]]:
    """Join a cluster whose workers can all take part in a run.

    Yields:
        The cluster's client, and what the workers need to know of the run.

    Args:
        cluster: Who does the work.
        plan: The run.
        notice: Callback that is told what a person should know.
        batch_size: Tiles in a pass on a GPU.

    Raises:
        ConfigurationError: A worker cannot take part.
        ServerError: There is no scheduler, or it has no workers.
    """
    job = _job(cluster, plan, batch_size)
    with contextlib.ExitStack() as stack:
        client = _local(cluster, stack) if cluster.address is None else _remote(cluster.address, stack)
        if cluster.open_to_others:
            notice(
                f"warning: {cluster.address} is not encrypted: whoever reaches it can run programs on its "
                "machines. Use it in a network of your own only, or tls:// (docs/cluster.md)."
            )
        for folder in idle_maps((str(image.path) for image in plan.images), cluster.path_maps):
            notice(f"warning: --path-map {folder}=...: no photograph of this run lies in that folder")
        workers = _fit(client, job, [photo_of(image) for image in plan.images[:1]])
        notice(f"detecting on {number_of(workers, 'worker')}")
        yield client, job


def _job(cluster: Cluster, plan: RunPlan, batch_size: int) -> Job:
    model, classifier = plan.model, plan.model.classifier
    return Job(
        run=uuid.uuid4().hex,
        weights=WeightsFile(str(model.weights), sha256_of(model.weights)),
        classifier=None if classifier is None else WeightsFile(str(classifier), sha256_of(classifier)),
        manifest=plan.detector.manifest.model_dump_json(),
        device=cast("Device", plan.detector.device),
        batch_size=batch_size,
        options=plan.options,
        versions=versions_here(),
        path_maps=cluster.path_maps,
        threads=None if cluster.address else max(cores() // cluster.processes, 1),
    )


def _local(cluster: Cluster, stack: contextlib.ExitStack) -> Client:
    """Start workers on this machine, each a process that does one portion at a time."""
    folder = stack.enter_context(
        tempfile.TemporaryDirectory(prefix="wildetect-workers-", ignore_cleanup_errors=True)
    )
    stack.enter_context(dask.config.set(_CALM))
    started = stack.enter_context(
        LocalCluster(
            n_workers=cluster.processes,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
            memory_limit=0,
            local_directory=folder,
            silence_logs=logging.CRITICAL,
        )
    )
    client = stack.enter_context(Client(started, set_as_default=False))
    client.register_plugin(_Undisturbed())
    client.wait_for_workers(cluster.processes)
    return client


def _remote(address: str, stack: contextlib.ExitStack) -> Client:
    try:
        client = stack.enter_context(Client(address, timeout=_PATIENCE, set_as_default=False))
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        raise ServerError(
            f"no scheduler of Dask answers at {address}" + (f": {text}" if "TLS" in text else ""),
            hint="Start one there: uv run --extra cluster dask scheduler",
        ) from error
    with contextlib.suppress(TimeoutError):
        client.wait_for_workers(1, timeout=_PATIENCE)
    return client


def _fit(client: Client, job: Job, photos: Sequence[Photo]) -> int:
    """The number of workers, all of which can take part and have the detector loaded."""
    found = _asked(client, job, photos)
    if not found:
        raise ServerError(
            "the cluster has no workers",
            hint=f"Start one on each machine: uv run --extra cluster dask worker {client.scheduler.address} "
            "--nthreads 1",
        )
    without = [worker for worker, answer in found.items() if isinstance(answer, Answer) and answer.needs]
    if without:
        for file in job.files:
            send(client, file, without)
        found |= _asked(client, job, photos, without)
    unfit = {worker: why for worker, answer in found.items() if (why := _why(answer)) is not None}
    if unfit:
        first = next(iter(unfit.values()))
        raise ConfigurationError(
            f"{len(unfit):,} of {number_of(len(found), 'worker')} cannot take part: {first.what}",
            hint=first.hint,
            details=[f"{worker}: {one.what}" for worker, one in unfit.items()],
        )
    return len(found)


def _asked(
    client: Client, job: Job, photos: Sequence[Photo], workers: list[str] | None = None
) -> dict[str, Answer | Exception]:
    patience = min(_FOLDER_PATIENCE, float(dask.config.get("wildetect.patience", _FOLDER_PATIENCE)))
    found: dict[str, Answer | Exception] = client.run(
        made_ready, job, photos, patience, workers=workers, on_error="return"
    )
    return found


def _why(answer: Answer | Exception) -> Unfit | None:
    """Why a worker cannot take part; an error means that it has no WildDetect, or quite another one."""
    if isinstance(answer, Answer):
        return Unfit.without_model() if answer.needs else answer.unfit
    return Unfit(
        f"does not run this program ({type(answer).__name__}: {' '.join(str(answer).split())})",
        "Start it in a checkout of WildDetect: uv run --extra cluster dask worker ADDRESS --nthreads 1",
    )
