from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import photos
from core.data.photos import Window, around, centred, crop_image, crop_labels, crop_points, open_photo, square
from core.errors import UserError

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)

# Pillow remarks on damaged files before it gives up on them.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """40 wide, 20 high, red on the left, blue on the right."""
    image = Image.new("RGB", (40, 20), RED)
    image.paste(BLUE, (20, 0, 40, 20))
    return image.convert(mode)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_kind_opens_as_rgb(kind: str) -> None:
    image = open_photo(encoded(halves(), kind))
    assert image.shape == (20, 40, 3)
    assert image.dtype == np.uint8
    assert np.abs(image[10, 5].astype(int) - RED).max() < 12
    assert np.abs(image[10, 35].astype(int) - BLUE).max() < 12


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PDF", "TGA"])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(UserError, match=r"^x is not an image that can be opened"):
        open_photo(encoded(halves(), kind), name="x")


def test_greyscale_has_three_equal_channels() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = open_photo(encoded(Image.fromarray(ramp), "JPEG", quality=100))
    assert np.abs(image.astype(int) - ramp[:, :, None]).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_keep_their_range(kind: str, order: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(order).reshape(16, 16)
    image = open_photo(encoded(Image.fromarray(ramp), kind))
    assert np.array_equal(image[:, :, 0], np.arange(256).reshape(16, 16))


def test_floating_point_is_refused() -> None:
    data = encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(UserError, match="32-bit"):
        open_photo(data)


def test_transparency_becomes_white() -> None:
    clear = halves("RGBA")
    clear.paste((0, 255, 0, 0), (20, 0, 40, 20))
    palette = Image.new("P", (40, 20), 0)
    palette.putpalette([*RED, *BLUE])
    palette.paste(1, (20, 0, 40, 20))
    for data in (
        encoded(clear),
        encoded(clear, "WEBP", lossless=True),
        encoded(palette, "PNG", transparency=1),
        encoded(palette, "GIF", transparency=1),
        encoded(halves(), "PNG", transparency=BLUE),
    ):
        image = open_photo(data)
        assert tuple(image[10, 5]) == RED
        assert tuple(image[10, 35]) == WHITE


def test_half_transparent_is_half_white() -> None:
    image = open_photo(encoded(Image.new("LA", (4, 4), (0, 128))))
    assert np.abs(image.astype(int) - 127).max() <= 1


def test_cmyk_and_palette_keep_their_colours() -> None:
    for data in (encoded(halves("CMYK"), "TIFF"), encoded(halves("P")), encoded(halves("CMYK"), "JPEG", quality=100)):
        image = open_photo(data)
        assert image[10, 5].argmax() == 0
        assert image[10, 35].argmax() == 2


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert tuple(open_photo(data)[4, 4]) == RED


def test_exif_orientation_is_followed_unless_pixels_as_stored_are_wanted() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    data = encoded(halves(), "JPEG", exif=exif, quality=95)
    turned = open_photo(data)
    assert turned.shape == (40, 20, 3)
    assert turned[5, 10].argmax() == 0
    assert turned[35, 10].argmax() == 2
    assert open_photo(data, upright=False).shape == (20, 40, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"II*\x00\xff\xff\xff\xff" + b"\x01" * 40, b"no EXIF at all"])
def test_damaged_exif_does_not_refuse_the_photo(kind: str, exif: bytes) -> None:
    assert open_photo(encoded(halves(), kind, exif=b"Exif\x00\x00" + exif)).shape == (20, 40, 3)


def test_all_eight_orientations_end_the_same_way_up() -> None:
    """Stored by the inverse of what each stands for, as EXIF's table of rows and columns has them."""
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16], upright[8:, :16] = 255, 120
    stored = [
        upright, upright[:, ::-1], upright[::-1, ::-1], upright[::-1], upright.T, upright[:, ::-1].T,
        upright[::-1, ::-1].T, upright[::-1].T,
    ]  # fmt: skip
    for orientation, pixels in enumerate(stored, 1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        found = open_photo(encoded(Image.fromarray(np.ascontiguousarray(pixels)), "PNG", exif=exif))
        assert np.array_equal(found[:, :, 0], upright), orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_truncation_is_a_user_error_or_a_whole_image(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    for share in (0.01, 0.1, 0.5, 0.9):
        with pytest.raises(UserError, match=r"^cut\.img is (damaged|not an image)"):
            open_photo(data[: int(share * len(data))], name="cut.img")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_flipped_bytes_never_raise_anything_else(kind: str) -> None:
    rng = np.random.default_rng(1)
    data = encoded(halves(), kind)
    for _ in range(150):
        broken = bytearray(data)
        for position in rng.integers(0, len(data), 3):
            broken[position] = rng.integers(0, 256)
        try:
            image = open_photo(bytes(broken))
        except UserError:
            continue
        assert image.ndim == 3
        assert image.shape[2] == 3


def test_files_that_are_not_there_or_empty_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(UserError, match=r"empty\.jpg is empty\."):
        open_photo(tmp_path / "empty.jpg")
    with pytest.raises(UserError, match=r"There is no file .*none\.jpg"):
        open_photo(tmp_path / "none.jpg")
    with pytest.raises(UserError, match="cannot be read"):
        open_photo(tmp_path)
    with pytest.raises(UserError, match=r"^the image is not an image"):
        open_photo(b"hello, not an image at all")


def test_pixels_are_counted_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    big = encoded(Image.new("1", (10_000, 6_000)))
    assert len(big) < 100_000
    monkeypatch.setattr(photos, "_rgb", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UserError, match=r"^big\.png is larger than 50 megapixels"):
        open_photo(big, name="big.png")
    with pytest.raises(UserError, match="50 megapixels"):  # above Pillow's own limit, which raises while opening
        open_photo(encoded(Image.new("1", (20_000, 10_000))))


def test_bytes_are_counted_before_opening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(photos, "MAX_BYTES", 2_000_000)
    path = tmp_path / "long.png"
    path.write_bytes(encoded(halves()) + b"\0" * 2_000_000)
    for source in (path, path.read_bytes(), BytesIO(path.read_bytes())):
        with pytest.raises(UserError, match=r"is larger than 2 MB"):
            open_photo(source)


def test_a_file_object_is_read_from_its_start_every_time(tmp_path: Path) -> None:
    upload = BytesIO(encoded(halves()))
    assert np.array_equal(open_photo(upload), open_photo(upload))


def test_square_is_the_middle() -> None:
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20] = 200
    assert (square(image, 5) == 200).all()
    assert (square(image.transpose(1, 0, 2), 40) == 200).all()
    assert square(np.full((1, 1, 3), 9, np.uint8), 32).shape == (32, 32, 3)


def test_around_gives_margin_where_there_is_room() -> None:
    assert around(np.array([100, 100, 50, 20]), (400, 300)) == Window(95, 80, 60)


def test_around_moves_inside_and_pads_only_what_it_must() -> None:
    assert around(np.array([0, 0, 50, 20]), (400, 300)) == Window(0, 0, 60)
    assert around(np.array([250, 390, 50, 10]), (400, 300)) == Window(240, 340, 60)
    assert around(np.array([0, 10, 100, 30]), (100, 110)) == Window(0, 0, 100), "the margin gives way"
    assert around(np.array([0, 10, 100, 30]), (60, 100)) == Window(0, -20, 100), "the box is longer than the image"


@pytest.mark.parametrize("seed", range(5))
def test_around_contains_its_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(20, 200, 2)
    for _ in range(100):
        x, y = rng.uniform(0, [width - 1, height - 1])
        box = np.array([x, y, rng.uniform(1, width - x), rng.uniform(1, height - y)])
        window = around(box, (height, width))
        assert window.left <= x + 0.5
        assert window.top <= y + 0.5
        assert window.left + window.side >= x + box[2] - 0.5
        assert window.top + window.side >= y + box[3] - 0.5


def test_padding_is_the_mean_colour() -> None:
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, :4] = (200, 100, 50)
    crop = crop_image(image, Window(0, -2, 8), 8)
    assert (crop[[0, 1, 6, 7]] == (100, 50, 25)).all()
    assert np.array_equal(crop[2:6], image)


@pytest.mark.parametrize("window", [Window(3, 15, 40), Window(-12, -3, 90), Window(20, 30, 64), Window(-5, 40, 33)])
@pytest.mark.parametrize("size", [32, 99, 200])
def test_points_labels_and_pixels_go_to_the_same_place(window: Window, size: int) -> None:
    labels = np.zeros((80, 70), np.uint8)
    labels[43:50, 20:27] = 7
    expected = crop_points(np.array([23.5, 46.5]), window, size)
    crop = crop_image(np.repeat(labels[:, :, None] * 30, 3, axis=2), window, size)[:, :, 0].astype(float)
    cropped_labels = (crop_labels(labels, window, size) == 7).astype(float)
    # Nearest neighbour is half a pixel out at most; antialiased pixels weigh out better than that.
    for weight, tolerance in ((crop * (crop > 5), 0.1), (cropped_labels, 0.51)):
        x, y = np.average(np.indices(weight.shape) + 0.5, axis=(1, 2), weights=np.stack([weight] * 2))[::-1]
        assert np.allclose((x, y), expected, atol=tolerance)


def test_labels_beyond_the_image_are_zero_and_keep_their_type() -> None:
    labels = np.full((4, 4), 300, np.int32)
    crop = crop_labels(labels, Window(-2, -2, 8), 8)
    assert crop.dtype == np.int32
    assert crop.sum() == 16 * 300
    assert (crop[2:6, 2:6] == 300).all()


def test_centred() -> None:
    assert centred((10, 31, 3)) == Window(10, 0, 10)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_a_longest_side_bounds_what_is_kept(mode: str) -> None:
    large = Image.new("RGB", (400, 200), RED)
    large.paste(BLUE, (200, 0, 400, 200))
    kind = "TIFF" if mode == "CMYK" else "PNG"
    if mode == "I;16":
        large = Image.fromarray(np.full((200, 400), 40_000, np.uint16))
    image = open_photo(encoded(large if mode == "I;16" else large.convert(mode), kind), longest=100)
    assert image.shape == (50, 100, 3)
    whole = open_photo(encoded(large if mode == "I;16" else large.convert(mode), kind), longest=1000)
    assert whole.shape == (200, 400, 3)
    if mode != "1":  # which dithers
        assert np.abs(image[25, [10, 90]].astype(int) - whole[100, [40, 360]]).max() <= 3
