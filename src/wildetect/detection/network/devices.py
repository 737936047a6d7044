"""Where a network may run, and what onnxruntime has to be told for it."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

from wildetect.errors import ConfigurationError
from wildetect.settings.words import Device

__all__ = ["CPU", "Backend", "cores", "no_device", "to_try"]


def cores() -> int:
    """Number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One way to run a network.

    Attributes:
        device: Its name in the settings.
        provider: Its name in onnxruntime ("execution provider").
        package: What must be installed for it.
        says: What it is, for a person.
        batched: Whether a pass over many tiles is faster than many passes.
        threads: Threads that keep it busy, each with its own forward pass; None: one a core.
        options: Options of the provider.
    """

    device: str
    provider: str
    package: str
    says: str
    batched: bool = False
    threads: int | None = None
    options: tuple[tuple[str, str], ...] = ()


_IN_TURN = 3  # while one batch is on the GPU, the next is prepared and the one before is read

CPU = Backend(
    device="cpu", provider="CPUExecutionProvider", package="onnxruntime", says="the processor (CPU)"
)
_BACKENDS = (
    Backend(
        device="cuda",
        provider="CUDAExecutionProvider",
        package="onnxruntime-gpu",
        says="the NVIDIA GPU (CUDA)",
        batched=True,
        threads=_IN_TURN,
        # NVIDIA's short floats are faster by half, but move boxes by up to 2 px and confidences by 0.01
        options=(("use_tf32", "0"),),
    ),
    Backend(
        device="directml",
        provider="DmlExecutionProvider",
        package="onnxruntime-directml",
        says="the GPU (DirectML)",
        batched=True,
        threads=_IN_TURN,
    ),
    Backend(
        device="openvino",
        provider="OpenVINOExecutionProvider",
        package="onnxruntime-openvino",
        says="the processor (OpenVINO)",
        options=(("device_type", "CPU"), ("num_of_threads", "1")),
    ),
    CPU,
)


def to_try(device: Device, available: Collection[str]) -> list[Backend]:
    """The backends that may serve a device, best first; auto ends with the CPU.

    Args:
        device: Device from the settings.
        available: Providers of the installed onnxruntime.

    Raises:
        ConfigurationError: The installed onnxruntime cannot use the device.
    """
    if device == "auto":
        return [backend for backend in _BACKENDS if backend.provider in available or backend is CPU]
    wanted = next(backend for backend in _BACKENDS if backend.device == device)
    if wanted.provider not in available and wanted is not CPU:
        raise no_device(wanted, "the installed onnxruntime cannot use it")
    return [wanted]


def no_device(backend: Backend, reason: str) -> ConfigurationError:
    """The error for a device that was asked for and cannot be used."""
    return ConfigurationError(
        f"device: {backend.device} is not available: {reason}",
        hint="Set model.device: auto in configs/detection.yaml (or --device auto), or install "
        f"{backend.package} as docs/settings/detection.md says",
    )
