"""A number in a picture, as blocks of black and white along its top edge: what is read from a screen tells which it is.

Two blocks begin it (white, black), then come 16 bits, the highest first, and their inverse's parity: white when the
number of ones is even. What blurs or is cut off is refused, never read as another number.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

BITS: Final = 16
#: Blocks across the picture's width, and the share of its height that they take.
BLOCKS: Final = BITS + 3
HEIGHT: Final = 0.08
_WHITE, _BLACK = 235, 16

#: Reads what `stamp` wrote from a video or canvas, in a page: a function of the element, giving a number or null.
READ: Final = (
    """(shown) => {
  const blocks = BLOCKS, bits = BITS;
  const canvas = (window.timecode ??= new OffscreenCanvas(blocks * 4, 4));
  const at = canvas.getContext("2d", { willReadFrequently: true });
  const [w, h] = [shown.videoWidth || shown.width, shown.videoHeight || shown.height];
  if (!w) return null;
  at.drawImage(shown, 0, h * HEIGHT / 4, w, h * HEIGHT / 2, 0, 0, blocks * 4, 4);
  const data = at.getImageData(0, 0, blocks * 4, 4).data;
  const luma = [...Array(blocks).keys()].map((n) => data[(blocks * 4 * 2 + n * 4 + 2) * 4 + 1]);
  if (luma[0] < 170 || luma[1] > 80 || luma.some((one) => one > 80 && one < 170)) return null;
  let number = 0, ones = 0;
  for (let n = 0; n < bits; n++) {
    const bit = luma[n + 2] > 128 ? 1 : 0;
    number = number * 2 + bit;
    ones += bit;
  }
  return (luma[bits + 2] > 128) === (ones % 2 === 0) ? number : null;
}""".replace("BLOCKS", str(BLOCKS))
    .replace("BITS", str(BITS))
    .replace("HEIGHT", str(HEIGHT))
)


def stamp(picture: NDArray[np.uint8], number: int) -> None:
    """Write `number` (0..65535) into a picture (height, width, 3; uint8), in place."""
    bits = [number >> (BITS - 1 - n) & 1 for n in range(BITS)]
    row = [1, 0, *bits, 1 - sum(bits) % 2]
    height, width = picture.shape[:2]
    edges = [round(n * width / BLOCKS) for n in range(BLOCKS + 1)]
    for one, left, right in zip(row, edges[:-1], edges[1:], strict=True):
        picture[: round(height * HEIGHT), left:right] = _WHITE if one else _BLACK


__all__ = ["BITS", "BLOCKS", "HEIGHT", "READ", "stamp"]
