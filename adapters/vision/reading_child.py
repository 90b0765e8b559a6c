"""The process that reads documents: `python -m adapters.vision.reading_child THREADS`.

It holds the networks (about 250 MB), reads one picture at a time and understands the page, so that neither ever
blocks the event loop.
"""

from __future__ import annotations

import io
import sys

from adapters.vision import child
from adapters.vision.frames import Head

MEMORY = 3 * 1024**3


def main(threads: int) -> None:
    child.confine(MEMORY)
    import cv2
    import numpy as np
    from PIL import Image

    from adapters.vision.reading.page import PageReader
    from adapters.vision.reading.understanding import understand

    cv2.setNumThreads(threads)
    reader = PageReader(threads)

    def handle(_: Head, body: bytes) -> tuple[Head, bytes]:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as picture:
            pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
        page, upright = reader.read(pixels)
        return {}, understand(page, upright).model_dump_json().encode()

    child.serve(handle, lambda error: {"failed": f"{type(error).__name__}: {error}"[:2000]})


if __name__ == "__main__":
    main(int(sys.argv[1]))
