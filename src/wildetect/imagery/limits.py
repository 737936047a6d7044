"""How large a picture may be, for Pillow and for us."""

from __future__ import annotations

import warnings

from PIL import Image

__all__ = ["MAX_PIXELS"]

MAX_PIXELS = 250_000_000
"""Largest picture read whole: 200-megapixel cameras pass, and it costs 1.8 GB at the worst moment."""

# Pillow would warn from here on, and refuse at twice as much; check_size refuses first, with its reason.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Of what Pillow finds odd in a file, a person needs to know one thing: whether it can be read.
warnings.filterwarnings("ignore", module=r"PIL\b")
