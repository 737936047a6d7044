"""Memory for pixels of photographs and of batches of tiles, used again for the next ones.

A survey's photographs are of one size, and each takes 60 MB. Fresh memory of that size costs the
operating system nearly as much as the decoder: it clears every page on first use (measured in a running
pipeline, 20 MP: 75 to 170 ms of 190 to 290 ms).
"""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["empty_pixels", "release_spare_memory"]

_SPARES = 4  # about as many photographs and batches end before the next ones are made
_LARGEST = 200_000_000  # bytes; more is not worth holding back from other programs

# Its methods are safe in threads and in finalizers, which may run at any moment; the oldest go.
_spares: deque[NDArray[np.uint8]] = deque(maxlen=_SPARES)


def empty_pixels(height: int, width: int) -> NDArray[np.uint8]:
    """An array of shape (height, width, 3) with any content, as `numpy.empty` gives it.

    Its memory is used for another one of that size once neither it nor any view of it is there any more.
    """
    size = height * width * 3
    memory = _spare(size)
    if memory is None:
        memory = np.empty(size, np.uint8)
    # over a memoryview, since NumPy gives views of views the owner of the memory as base: here they end
    # at `lent`, which therefore lives as long as the last of them
    lent = np.frombuffer(memory.data, np.uint8)
    if size <= _LARGEST:
        weakref.finalize(lent, _spares.append, memory).atexit = False
    return lent.reshape(height, width, 3)


def release_spare_memory() -> None:
    """Give memory that waits for the next pixels back to the operating system."""
    _spares.clear()


def _spare(size: int) -> NDArray[np.uint8] | None:
    """Memory of that size that waits; what is of another size goes on waiting."""
    others = []
    found = None
    while found is None and _spares:
        try:
            memory = _spares.pop()
        except IndexError:  # another thread was faster
            break
        if len(memory) == size:
            found = memory
        else:
            others.append(memory)
    _spares.extendleft(others)
    return found
