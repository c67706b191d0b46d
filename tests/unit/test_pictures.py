"""Pictures as publishers have them → pictures that every mail program shows."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from newsletter.errors import ContentError
from newsletter.imaging import MAX_BYTES, display_size, file_stem, fit_picture

# Written in haste: the same picture in a larger file.
HASTY: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 1}, "AVIF": {"speed": 10}, "WEBP": {"method": 0},
}  # fmt: skip


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **how)
    return made.getvalue()


def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Something with as much in it as a photograph."""
    return _noise(width, height).convert(mode)


@cache
def _noise(width: int, height: int) -> Image.Image:
    noise = Image.effect_noise((width, height), 60)
    return Image.merge("RGB", [noise, noise.rotate(90).resize((width, height)), noise])


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"),
     ("PNG", "I;16"), ("PNG", "1"), ("GIF", "P"), ("WEBP", "RGBA"), ("AVIF", "RGB"), ("BMP", "RGB"),
     ("TIFF", "RGB")],
)  # fmt: skip
def test_every_kind_becomes_a_light_jpeg_or_png(kind: str, mode: str) -> None:
    image = photo(1600, 1200).convert("L").convert(mode) if mode == "I;16" else None
    whole = image or photo(1600, 1200, mode)
    made = fit_picture(saved(whole, kind, **HASTY.get(kind, {})), 320, "a picture")
    assert len(made.data) <= MAX_BYTES
    seen = opened(made.data)
    assert seen.format == ("PNG" if made.name.endswith(".png") else "JPEG")
    assert seen.mode == "RGB"
    assert seen.size == (made.width, made.height)
    assert made.width <= 640
    assert abs(made.width / made.height - 4 / 3) < 0.02


def test_it_is_twice_as_wide_as_its_place_and_never_bigger_than_it_was() -> None:
    big = fit_picture(saved(Image.new("RGB", (3000, 1500), "teal"), "JPEG"), 536, "a picture")
    assert (big.width, big.height) == (1072, 536)
    small = fit_picture(saved(Image.new("RGB", (300, 200), "teal"), "JPEG"), 536, "a picture")
    assert (small.width, small.height) == (300, 200)


def test_a_tall_one_gets_narrower() -> None:
    tall = fit_picture(saved(Image.new("RGB", (1000, 4000), "teal"), "JPEG"), 400, "a picture")
    assert tall.height == 1000
    assert display_size(400, tall.width, tall.height) == (125, 500)
    assert display_size(400, 800, 600) == (400, 300)
    assert display_size(400, 200, 100) == (200, 100)


def test_it_stands_upright_and_says_nothing_of_its_maker() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x013B] = "Somebody"
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    data = saved(Image.new("RGB", (400, 200), "teal"), "JPEG", exif=exif, comment=b"secret")
    made = fit_picture(data, 320, "a picture")
    assert (made.width, made.height) == (200, 400)
    seen = opened(made.data)
    assert not seen.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & seen.info.keys()
    assert b"Somebody" not in made.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_big_one_stands_upright_too(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = fit_picture(
        saved(Image.new("RGB", (4000, 2000), "teal"), kind, exif=exif), 320, "a picture"
    )
    assert (made.width, made.height) == (400, 800)


def test_a_square_is_cut_from_the_middle_and_rather_the_top_where_a_face_is() -> None:
    tall = Image.new("RGB", (400, 1000), "white")
    tall.paste("black", (0, 200, 400, 560))
    made = fit_picture(saved(tall, "PNG"), 72, "a picture", square=True)
    assert (made.width, made.height) == (144, 144)
    seen = opened(made.data).convert("L")
    assert seen.getpixel((72, 72)) < 40  # type: ignore[operator]
    data = saved(tall, "PNG")
    assert file_stem(data, 72, square=True) != file_stem(data, 72)


def test_many_big_ones_at_once_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(saved(Image.new("RGBA", (5000, 5000), "teal"), "PNG"))
    assert path.stat().st_size < 500_000
    done = subprocess.run(
        [sys.executable, "-c", _FOUR_AT_ONCE, path], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 1000, f"{done.stdout.strip()} MB"


_FOUR_AT_ONCE = """
import pathlib, resource, sys
from concurrent.futures import ThreadPoolExecutor
from newsletter.imaging import fit_picture
data = pathlib.Path(sys.argv[1]).read_bytes()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda place: fit_picture(data, place, "a picture"), (320, 330, 340, 350)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_colours_of_another_profile_become_srgb() -> None:
    swapped = _with_swapped_channels()
    data = saved(Image.new("RGB", (200, 200), (10, 20, 230)), "JPEG", icc_profile=swapped)
    red, _, blue = opened(fit_picture(data, 100, "a picture").data).getpixel((50, 50))  # type: ignore[misc]
    assert red > 200 > blue


def _with_swapped_channels() -> bytes:
    """sRGB's own profile, but for red and blue, which trade places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    places = {}
    for number in range(count):
        at = 132 + 12 * number
        places[bytes(profile[at : at + 4])] = at
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


def test_what_is_clear_becomes_white() -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    made = fit_picture(saved(image, "PNG"), 100, "a picture")
    assert opened(made.data).getpixel((5, 5)) == (255, 255, 255)


def test_a_drawing_stays_a_png_and_a_photo_in_a_png_becomes_a_jpeg() -> None:
    drawing = fit_picture(saved(Image.new("RGB", (800, 600), "teal"), "PNG"), 320, "a picture")
    assert drawing.name.endswith(".png")
    heavy = fit_picture(saved(photo(1600, 1200), "PNG", **HASTY["PNG"]), 536, "a picture")
    assert heavy.name.endswith(".jpg")


def test_the_name_says_what_it_was_made_of() -> None:
    data = saved(Image.new("RGB", (100, 100), "teal"), "PNG")
    assert (
        fit_picture(data, 100, "x").name
        == fit_picture(data, 100, "y").name
        == f"{file_stem(data, 100)}.png"
    )
    assert file_stem(data, 100) != file_stem(data, 101)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so big, and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not a picture that mails can show"),
        (b"<html>Not found</html>", "is not a picture that mails can show"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture that mails can show"),
        (bomb(10_000, 10_000), "has 100 megapixels; the limit is 50"),
        (bomb(30_000, 30_000), "has 900 megapixels"),
        (bomb(400, 300), "is damaged"),
        (saved(Image.new("RGB", (1, 1)), "GIF"), "is only 1 × 1 pixels"),
        (saved(photo(400, 300), "JPEG")[:3000], "is damaged"),
    ],
)
def test_what_is_no_picture_is_said_in_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(ContentError, match=said) as caught:
        fit_picture(data, 320, "https://www.example.com/a.jpg")
    assert str(caught.value).startswith("https://www.example.com/a.jpg ")
    assert str(caught.value).count("\n") == 0
