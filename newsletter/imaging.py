"""A publisher's picture → one that every mail program shows: fitted, light, plain sRGB."""

from __future__ import annotations

import hashlib
import io
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import ContentError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES = 200 * 1024
MOST_PIXELS = 50_000_000
BIG = 12_000_000  # pixels; a small file may unfold to so many, and each takes memory
SMALLEST = 20  # pixels; what is smaller is no picture: it counts readers
TALLEST = 1.25  # times the width of its place; a taller one is made narrower
SHARPNESS = 2  # pixels for each CSS pixel

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
_DRAWN = frozenset({"PNG", "GIF", "BMP"})  # formats of drawings, which JPEG would smear
_QUALITIES = (85, 78, 70, 60, 50)
_SMALLER = 0.8
_ONE_BIG = threading.Lock()  # of the big ones only one is unfolded at a time
_RECIPE = 1  # another number makes new names: counts changes to what is below


@dataclass(frozen=True)
class Fitted:
    """A picture for one place. ``name``: says what it was made of, and for which place."""

    name: str
    data: bytes
    width: int
    height: int


def name_of(data: bytes, place: int, *, square: bool = False) -> str:
    """What the fitted picture's file is called, but for its ending."""
    recipe = b"%d %d %s" % (_RECIPE, place, b"square " if square else b"")
    return hashlib.sha256(recipe + data).hexdigest()[:20]


def fitted(data: bytes, place: int, shown: str, *, square: bool = False) -> Fitted:
    """The picture for a place of so many CSS pixels, in at most 200 KB; ``square``: cut to one.

    Raises ContentError, which calls the picture ``shown``, for what is no picture, has over 50
    megapixels, or is hardly bigger than a dot.
    """
    whole = _plain(data, place, shown)
    drawn = whole.info.get("drawn", False)
    if square:
        whole = _squared(whole)
    scale, name = _scale(whole, place), name_of(data, place, square=square)
    while True:
        image = _scaled(whole, scale)
        if drawn and len(made := _saved(image, "PNG", optimize=True)) <= MOST_BYTES:
            return Fitted(f"{name}.png", made, *image.size)
        for quality in _QUALITIES:
            made = _saved(image, "JPEG", quality=quality, optimize=True, progressive=True)
            if len(made) <= MOST_BYTES:
                return Fitted(f"{name}.jpg", made, *image.size)
        scale *= _SMALLER


def shown_size(place: int, width: int, height: int) -> tuple[int, int]:
    """How wide and high a picture of these pixels stands in its place, in CSS pixels."""
    wide = min(place, width)
    high = wide * height / width
    if high > TALLEST * place:
        wide, high = round(TALLEST * place * width / height), TALLEST * place
    return max(wide, 1), max(round(high), 1)


def _plain(data: bytes, place: int, shown: str) -> Image:
    """Upright, in sRGB, on white, and without anything that is not seen."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # ours are counted below, before a pixel is read
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Exception as error:
        raise ContentError(
            f"{shown} is no picture that mails can show: JPEG, PNG, GIF, WebP or AVIF."
        ) from error
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ContentError(
            f"{shown} has {width * height / 1e6:.0f} megapixels; the most is "
            f"{MOST_PIXELS / 1e6:.0f}. Take a smaller one."
        )
    if min(width, height) < SMALLEST:
        raise ContentError(f"{shown} is only {width} × {height} pixels. Take a bigger one.")
    drawn = image.format in _DRAWN
    try:
        with _ONE_BIG if width * height > BIG else nullcontext():
            most = round(SHARPNESS * TALLEST * place)
            image.draft("RGB", (most, most))
            found = _on_white(_in_srgb(_upright(_shrunk(image, place))))
    except Exception as error:  # a damaged picture may fail in any way
        raise ContentError(f"{shown} is damaged: {error}. Take another one.") from error
    found.info = {"drawn": drawn}
    return found


def _scale(image: Image, place: int) -> float:
    """By how much the picture is made smaller for its place."""
    wide, high = SHARPNESS * place / image.width, SHARPNESS * TALLEST * place / image.height
    return min(1, wide, high)


def _shrunk(image: Image, place: int) -> Image:
    """Smaller by a whole number, but twice as big as it will be: the rest works on little."""
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    factor = int(0.5 / _scale(image, place))
    if factor < 2 or image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    image.load()
    small = image.reduce(factor)
    small.info["exif"] = image.getexif().tobytes()  # which way up it is
    return small


def _squared(image: Image) -> Image:
    """The middle of it; of a tall one rather the upper part, where a face is."""
    from PIL import ImageOps

    side = min(image.size)
    return ImageOps.fit(image, (side, side), centering=(0.5, 0.3))


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _in_srgb(image: Image) -> Image:
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L", "RGBA"):
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ours = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, theirs, ours, outputMode=mode) or image
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that is broken, or of another kind of picture, says nothing
    return image


def _on_white(image: Image) -> Image:
    """Transparent parts are white: a dark drawing must show in the dark, too."""
    from PIL import Image as Images

    if "A" in image.getbands() or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Images.new("RGBA", clear.size, "white")
        image = Images.alpha_composite(white, clear)
    return image.convert("RGB")


def _scaled(image: Image, scale: float) -> Image:
    from PIL import Image as Images

    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return image.resize(size, Images.Resampling.LANCZOS, reducing_gap=3.0)


def _saved(image: Image, kind: str, **how: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **how)
    return made.getvalue()
