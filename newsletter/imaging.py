"""Convert a publisher's picture into one that every mail program shows: fitted, small, sRGB."""

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

MAX_BYTES = 200 * 1024
MAX_PIXELS = 50_000_000
LARGE = 12_000_000  # pixels; a small file may decode to this many, and each takes memory
MIN_SIDE = 20  # pixels; a smaller picture is a tracking pixel
MAX_ASPECT = 1.25  # height by the width of its place; a taller picture is made narrower
DENSITY = 2  # pixels for each CSS pixel

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
_DRAWING_FORMATS = frozenset({"PNG", "GIF", "BMP"})  # JPEG would blur drawings
_QUALITIES = (85, 78, 70, 60, 50)
_SHRINK = 0.8
_LARGE_LOCK = threading.Lock()  # only one large picture is decoded at a time
_VERSION = 1  # of the conversion; another version gives new file names


@dataclass(frozen=True)
class FittedPicture:
    """A picture fitted to one place."""

    name: str  # of its file; depends on the original and the place
    data: bytes
    width: int  # pixels
    height: int


def file_stem(data: bytes, place: int, *, square: bool = False) -> str:
    """The name of the fitted picture's file, without its suffix. ``place`` is in CSS pixels."""
    recipe = b"%d %d %s" % (_VERSION, place, b"square " if square else b"")
    return hashlib.sha256(recipe + data).hexdigest()[:20]


def fit_picture(data: bytes, place: int, label: str, *, square: bool = False) -> FittedPicture:
    """Fit a picture to a place ``place`` CSS pixels wide, in at most 200 KB.

    ``square`` crops it to a square. Raises ContentError, which calls the picture ``label``, when
    it is not a picture, has over 50 megapixels, or is hardly bigger than a dot.
    """
    original = _decode(data, place, label)
    is_drawing = original.info.get("drawing", False)
    if square:
        original = _crop_square(original)
    scale, stem = _scale(original, place), file_stem(data, place, square=square)
    while True:
        image = _resize(original, scale)
        if is_drawing and len(content := _encode(image, "PNG", optimize=True)) <= MAX_BYTES:
            return FittedPicture(f"{stem}.png", content, *image.size)
        for quality in _QUALITIES:
            content = _encode(image, "JPEG", quality=quality, optimize=True, progressive=True)
            if len(content) <= MAX_BYTES:
                return FittedPicture(f"{stem}.jpg", content, *image.size)
        scale *= _SHRINK


def display_size(place: int, width: int, height: int) -> tuple[int, int]:
    """The width and height at which a picture of these pixels is shown, in CSS pixels."""
    shown_width: float = min(place, width)
    shown_height = shown_width * height / width
    if shown_height > MAX_ASPECT * place:
        shown_width = round(MAX_ASPECT * place * width / height)
        shown_height = MAX_ASPECT * place
    return max(round(shown_width), 1), max(round(shown_height), 1)


def _decode(data: bytes, place: int, label: str) -> Image:
    """The picture upright, in sRGB, on white, and without metadata."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # checked below, before any pixel is decoded
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Exception as error:
        raise ContentError(
            f"{label} is not a picture that mails can show: JPEG, PNG, GIF, WebP or AVIF."
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ContentError(
            f"{label} has {width * height / 1e6:.0f} megapixels; the limit is "
            f"{MAX_PIXELS / 1e6:.0f}. Use a smaller one."
        )
    if min(width, height) < MIN_SIDE:
        raise ContentError(f"{label} is only {width} × {height} pixels. Use a bigger one.")
    is_drawing = image.format in _DRAWING_FORMATS
    try:
        with _LARGE_LOCK if width * height > LARGE else nullcontext():
            limit = round(DENSITY * MAX_ASPECT * place)
            image.draft("RGB", (limit, limit))
            decoded = _on_white(_to_srgb(_upright(_reduce(image, place))))
    except Exception as error:  # a damaged picture may fail in any way
        raise ContentError(f"{label} is damaged: {error}. Use another one.") from error
    decoded.info = {"drawing": is_drawing}
    return decoded


def _scale(image: Image, place: int) -> float:
    """The factor by which a picture shrinks to fit its place; at most 1."""
    width = DENSITY * place / image.width
    height = DENSITY * MAX_ASPECT * place / image.height
    return min(1, width, height)


def _reduce(image: Image, place: int) -> Image:
    """Shrink by a whole factor, to no less than twice the final size: it saves later steps work."""
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    factor = int(0.5 / _scale(image, place))
    if factor < 2 or image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    image.load()
    reduced = image.reduce(factor)
    reduced.info["exif"] = image.getexif().tobytes()  # holds the orientation
    return reduced


def _crop_square(image: Image) -> Image:
    """The middle; of a tall picture a higher part, where a face is."""
    from PIL import ImageOps

    side = min(image.size)
    return ImageOps.fit(image, (side, side), centering=(0.5, 0.3))


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _to_srgb(image: Image) -> Image:
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L", "RGBA"):
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, source, srgb, outputMode=mode) or image
        except (ImageCms.PyCMSError, OSError):
            pass  # the profile is broken, or for another kind of picture
    return image


def _on_white(image: Image) -> Image:
    """Fill transparent parts with white, so that dark drawings show in a dark palette, too."""
    from PIL import Image as Images

    if "A" in image.getbands() or "transparency" in image.info:
        transparent = image.convert("RGBA")
        white = Images.new("RGBA", transparent.size, "white")
        image = Images.alpha_composite(white, transparent)
    return image.convert("RGB")


def _resize(image: Image, scale: float) -> Image:
    from PIL import Image as Images

    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return image.resize(size, Images.Resampling.LANCZOS, reducing_gap=3.0)


def _encode(image: Image, image_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()
