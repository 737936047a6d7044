"""Open an ONNX file for inference; the only module that imports onnxruntime."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.network.devices import CPU, Backend, no_device, to_try
from wildetect.detection.network.pixel_input import with_pixel_input
from wildetect.errors import ModelError
from wildetect.registry.manifest import Feeding
from wildetect.registry.weights.weights_file import check_file
from wildetect.settings.words import Device
from wildetect.wording import listed

__all__ = [
    "NoMemoryError",
    "Session",
    "TensorSpec",
    "available_providers",
    "check_numbers",
    "no_numbers",
    "open_session",
    "picture_input",
    "picture_inputs",
    "rows_of",
    "size_of_input",
]

_ONLY_ERRORS = 3
_TABLE_RANK = 3
_DTYPES = {"float": "float32", "double": "float64"}

# What the backends say when the memory of the device is full: onnxruntime's allocators, CUDA, cuDNN, Windows.
_NO_MEMORY = re.compile(
    r"failed to allocate memory|out of memory|bad_?alloc|alloc_failed|not enough memory|8007000e",
    re.IGNORECASE,
)

# Passes that overlap are allowed on CUDA and forbidden on DirectML (onnxruntime's documentation). But on an
# H200, in float32, some of CUDA's seem to have come back with thousands of boxes where the CPU finds a
# hundred: their NMS took minutes. So passes take turns, those of a second stage too.
_ON_THE_GPU = threading.Lock()

logger = logging.getLogger(__name__)


class NoMemoryError(ModelError):
    """The memory of the device is too small for a forward pass of so many tiles."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a network.

    Attributes:
        name: Name as the file gives it.
        dtype: NumPy's name: "float32", "float16", "uint8", "int64", ...
        shape: Length of each dimension; None where any is possible.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


_IMAGE_RANK = 4


def picture_input(inputs: Sequence[TensorSpec]) -> tuple[TensorSpec, bool] | None:
    """The one input that takes pictures, as (batch, 3, height, width), and whether it has no batch dimension.

    torchvision's detectors take a list of pictures: their exports take one, (3, height, width).
    """
    images = [spec for spec in inputs if len(spec.shape) == _IMAGE_RANK]
    if images:
        return (images[0], False) if len(images) == 1 else None
    single = [spec for spec in inputs if len(spec.shape) == _IMAGE_RANK - 1 and spec.shape[0] in {3, None}]
    if len(single) != 1:
        return None
    return TensorSpec(single[0].name, single[0].dtype, (1, *single[0].shape)), True


def size_of_input(spec: TensorSpec, pictures: int, width: int, height: int) -> NDArray[Any] | None:
    """What goes into an input for the pictures' size, so that boxes come in px of the network's input.

    Whole numbers are [width, height] (RT-DETR, D-FINE, DEIM: `orig_target_sizes`). PaddleDetection takes
    floats: `scale_factor`, by which it divides boxes, and `im_shape`, [height, width]. None for others.
    """
    if len(spec.shape) != 2 or spec.shape[1] not in {2, None}:  # noqa: PLR2004 - two numbers for each picture
        return None
    if spec.dtype == "int64":
        values = (width, height)
    elif "scale" in spec.name:
        values = (1, 1)
    elif "shape" in spec.name:
        values = (height, width)
    else:
        return None
    return np.tile(np.array(values, dtype=spec.dtype), (pictures, 1))


class Session:
    """A network ready to run, from several threads at once.

    Attributes:
        weights: Its file.
        backend: What it runs on.
        takes_pixels: Whether its input for pictures takes pixels (module pixel_input).
        inputs: What it takes.
        outputs: What it gives.
        metadata: What its file says of it.
    """

    def __init__(self, weights: Path, session: Any, backend: Backend, *, takes_pixels: bool = False) -> None:
        self.weights = weights
        self.backend = backend
        self.takes_pixels = takes_pixels
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self.outputs = tuple(_spec(node) for node in session.get_outputs())
        self._turn = _ON_THE_GPU if backend.batched else nullcontext()
        self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self._session = session

    def run(self, feeds: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """One forward pass.

        Raises:
            NoMemoryError: The memory of the device is too small for it.
            ModelError: The network cannot be run on these inputs.
        """
        try:
            with self._turn:
                return list(self._session.run(list(outputs), dict(feeds)))
        except Exception as error:  # onnxruntime's exceptions share no base
            if _NO_MEMORY.search(str(error)):
                raise NoMemoryError(
                    f"there is not enough memory for a forward pass of {self.weights.name}",
                    hint="Close other programs, use --device cpu, or a smaller processing.batch_size",
                ) from error
            raise ModelError(
                f"{self.weights.name} failed to run: {_text(error)}",
                hint="Check family, input size and dtype of the registration",
            ) from error


def check_numbers(outputs: Iterable[NDArray[Any]]) -> None:
    """Refuse outputs with values that are no numbers (NaN).

    Such a score is above no threshold: its animals would be gone without a word.

    Raises:
        ModelError: There are some.
    """
    for output in outputs:
        if output.dtype.kind != "f":
            continue
        with np.errstate(invalid="ignore"):  # infinities of both signs
            doubtful = np.isnan(output.sum(dtype=np.float64))  # the sum says quickly that none is
        if doubtful and np.isnan(output).any():
            raise no_numbers()


def no_numbers() -> ModelError:
    """Say that a network ran over."""
    return ModelError(
        "the model gave values that are not numbers (NaN or infinite): animals may be lost",
        hint="Take the device cpu, or a file of the model in float32: float16 runs over",
    )


def available_providers() -> list[str]:
    """What the installed onnxruntime can run networks on, by its names for it."""
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def open_session(
    weights: Path, device: Device = "auto", *, threads: int = 1, feeding: Feeding | None = None
) -> Session:
    """Load an ONNX file.

    Args:
        weights: The file.
        device: auto takes the fastest that is there and works: CUDA, DirectML, OpenVINO, the CPU.
        threads: For one forward pass on the CPU. One, with a forward pass on each core, is the fastest
            for many pictures.
        feeding: How pictures are fed to the network. Where this makes it faster the session `takes_pixels`.

    Raises:
        ConfigurationError: The device that was asked for cannot be used.
        ModelError: The file is missing or no usable network.
    """
    check_file(weights)
    for backend in to_try(device, available_providers()):
        try:
            session, takes_pixels = _opened(weights, backend, threads, feeding)
        except Exception as error:  # onnxruntime's exceptions share no base
            if device == "auto" and backend is not CPU:
                logger.warning("%s cannot be used: %s", backend.says, _text(error))
                continue
            raise _unusable(weights, _text(error)) from error
        # onnxruntime falls back to the CPU by itself where a driver or a library is missing
        if backend.provider in session.get_providers():
            break
        logger.warning("%s cannot be used: its driver or libraries could not be loaded", backend.says)
        if device != "auto":
            raise no_device(backend, "its driver or libraries could not be loaded")
    logger.info("%s runs on %s", weights.name, backend.says)
    return Session(weights, session, backend, takes_pixels=takes_pixels)


def _opened(weights: Path, backend: Backend, threads: int, feeding: Feeding | None) -> tuple[Any, bool]:
    """The network, and whether it takes pixels; as its file has it where it cannot be made to take them."""
    if feeding is not None and (backend.batched or backend is CPU):
        try:
            network = with_pixel_input(weights, feeding, convolved=not backend.batched)
            if network is not None:
                return _loaded(network, backend, threads), True
        except Exception as error:  # noqa: BLE001 - if the file itself is at fault, loading it says so
            logger.debug("%s is not made to take pixels: %s", weights.name, _text(error))
    return _loaded(weights, backend, threads), False


def _loaded(network: Path | bytes, backend: Backend, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    # without VNNI sums of int8 would overflow, and boxes differ from one processor to another (onnxruntime:
    # "Quantize ONNX Models", When and why do I need to try U8U8?)
    options.add_session_config_entry("session.x64quantprecision", "1")
    # DirectML needs buffers that it places itself (onnxruntime: "DirectML Execution Provider")
    options.enable_mem_pattern = backend.device != "directml"
    if backend.device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
    providers = [(backend.provider, dict(backend.options)), CPU.provider]
    return onnxruntime.InferenceSession(
        network, sess_options=options, providers=providers[:1] if backend is CPU else providers
    )


def _unusable(weights: Path, text: str) -> ModelError:
    if "external data" in text.lower():
        named = re.search(r'"([^"]+)"', text)
        missing = Path(named.group(1)).name if named else "its external data file"
        return ModelError(
            f"{weights.name} keeps its weights in another file, which is missing: {missing}",
            hint=f"Put {missing} beside {weights.name}, or export the model into one file",
        )
    newer = re.search(r"Unsupported model IR version: (\d+)|Opset (\d+) is under development", text)
    if newer:
        format_of = f"IR version {newer[1]}" if newer[1] else f"opset {newer[2]}"
        return ModelError(
            f"{weights.name} is of {format_of} of ONNX, newer than the onnxruntime here can read",
            hint="Export it again with an older opset (Ultralytics: opset=17), or update onnxruntime",
        )
    foreign = re.search(r"([\w.:]+)\(-?\d+\) is not a registered function/op", text)
    if foreign:
        return ModelError(
            f"{weights.name} uses {foreign[1]}, which is no part of ONNX: it was made for another program",
            hint="Export it again for onnxruntime, without an NMS or plugins of TensorRT",
        )
    return ModelError(
        f"{weights.name} is not a usable ONNX file: {text}",
        hint="It may be cut short, or be something else: copy it again, or export the model again as ONNX",
    )


def _spec(node: Any) -> TensorSpec:
    dtype = str(node.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(length if isinstance(length, int) and length > 0 else None for length in node.shape)
    return TensorSpec(node.name, _DTYPES.get(dtype, dtype), shape)


def _text(error: Exception) -> str:
    """The message of onnxruntime in one line, without its code and the file's path."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    return re.sub(r"^Load model from .* failed:", "", text)


def rows_of(session: Session) -> int | None:
    """Number of rows of the table of boxes; None where it is free. Masks have more dimensions than it."""
    tables = [spec.shape for spec in session.outputs if len(spec.shape) <= _TABLE_RANK]
    return max(tables, key=len)[-2:][0] if tables else None


def picture_inputs(session: Session, feeding: Feeding) -> tuple[TensorSpec, bool, list[TensorSpec]]:
    """The input for pictures, whether it takes one without a batch dimension, and those for their sizes.

    Raises:
        ModelError: The network is not fed as a detector is, or not as the manifest says.
    """
    found = picture_input(session.inputs)
    others = [spec for spec in session.inputs if found is None or spec.name != found[0].name]
    unknown = [spec for spec in others if size_of_input(spec, 1, 1, 1) is None]
    if found is None or unknown:
        named = listed(f"{spec.name} {spec.dtype} {spec.shape}" for spec in session.inputs)
        raise ModelError(
            f"{session.weights.name} is not fed as a detector is: its inputs are {named}",
            hint="A detector takes one picture of shape (1, 3, height, width), and at most its size",
        )
    image, alone = found
    fed = (feeding.batch, 3, feeding.height, feeding.width)
    dtype: str = feeding.dtype
    if session.takes_pixels:
        fed, dtype = (feeding.batch, feeding.height, feeding.width, 3), "uint8"
    differs = any(own not in {None, other} for own, other in zip(image.shape[1:], fed[1:], strict=True))
    if differs or image.dtype != dtype:
        raise ModelError(
            f"{session.weights.name} takes {image.dtype} {image.shape}, but is registered with {dtype} {fed}",
            hint="Register the model again; leave out imgsz where the file has a fixed size",
        )
    return image, alone, others
