"""Open an ONNX file for inference; the only module that imports onnxruntime."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.weights_file import check_file

__all__ = ["Device", "Session", "TensorSpec", "cores", "open_session"]

Device = Literal["auto", "cpu", "cuda"]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_ONLY_ERRORS = 3
_DTYPES = {"float": "float32", "double": "float64"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a network.

    Attributes:
        name: As the file gives it.
        dtype: NumPy's name: "float32", "float16", "uint8", "int64", ...
        shape: Length of each dimension; None where any is possible.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class Session:
    """A network ready to run, from several threads at once."""

    def __init__(self, weights: Path, session: Any, device: str) -> None:
        self.weights = weights
        self.device = device
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self.outputs = tuple(_spec(node) for node in session.get_outputs())
        self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self._session = session

    def run(self, feeds: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """One forward pass.

        Raises:
            ModelError: The network cannot be run on these inputs.
        """
        try:
            return list(self._session.run(list(outputs), dict(feeds)))
        except Exception as error:  # onnxruntime's exceptions share no base
            raise ModelError(
                f"{self.weights.name} failed to run: {_text(error)}",
                hint="check family, input size and dtype of the registration",
            ) from error


def cores() -> int:
    """Number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_session(weights: Path, device: Device = "auto", *, threads: int = 1) -> Session:
    """Load an ONNX file.

    Args:
        weights: The file.
        device: auto takes a CUDA GPU where there is one, else the CPU.
        threads: For one forward pass on the CPU. One, with a forward pass on each core, is the fastest
            for many pictures.

    Raises:
        ConfigurationError: cuda was asked for and cannot be used.
        ModelError: The file is missing or no usable network.
    """
    check_file(weights)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    providers = _providers(onnxruntime, device)
    try:
        session = onnxruntime.InferenceSession(weights, sess_options=options, providers=providers)
    except Exception as error:  # onnxruntime's exceptions share no base
        raise _unusable(weights, _text(error)) from error
    picked = "cuda" if _CUDA in session.get_providers() else "cpu"
    if device == "cuda" and picked != "cuda":
        raise _no_cuda("the GPU's driver or CUDA libraries could not be loaded")
    logger.info("%s runs on %s", weights.name, "the GPU (CUDA)" if picked == "cuda" else "the CPU")
    return Session(weights, session, picked)


def _providers(onnxruntime: Any, device: Device) -> list[str]:
    if device == "cpu":
        return [_CPU]
    if _CUDA in onnxruntime.get_available_providers():
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
        return [_CUDA, _CPU]
    if device == "cuda":
        raise _no_cuda("the installed onnxruntime runs on the CPU only")
    return [_CPU]


def _no_cuda(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"device: cuda is not available: {reason}",
        hint="set device: auto (or --device cpu), or install the gpu extra on a machine with an NVIDIA GPU",
    )


def _unusable(weights: Path, text: str) -> ModelError:
    if "external data" in text.lower():
        named = re.search(r'"([^"]+)"', text)
        missing = Path(named.group(1)).name if named else "its external data file"
        return ModelError(
            f"{weights.name} keeps its weights in another file, which is missing: {missing}",
            hint=f"put {missing} beside {weights.name}, or export the model into one file",
        )
    return ModelError(
        f"{weights.name} is not a usable ONNX file: {text}",
        hint="export the model again as ONNX, and register it with the .onnx file",
    )


def _spec(node: Any) -> TensorSpec:
    dtype = str(node.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(length if isinstance(length, int) and length > 0 else None for length in node.shape)
    return TensorSpec(node.name, _DTYPES.get(dtype, dtype), shape)


def _text(error: Exception) -> str:
    """The message of onnxruntime in one line, without its code and the file's path."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    return re.sub(r"^Load model from .* failed:", "", text)
