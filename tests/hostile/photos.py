"""Files that somebody may upload as a photo, made in memory; by name, as bytes or, the large ones, what makes them."""

import gzip
import json
import pickle
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from tests.hostile.bricks import (
    END,
    PNG,
    blank_png,
    blank_tiff,
    bmp,
    chunk,
    cmyk_without_adobe,
    cut,
    encoded,
    exif,
    frames,
    gif,
    header,
    jpeg,
    jpeg_of,
    many_passes,
    many_tags,
    marker,
    noise,
    picture,
    plain_webp,
    png,
    spoilt,
    tiff,
    tiff_loop,
    webp,
    zeros,
    zipped,
)

KINDS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
File = bytes | Callable[[], bytes]
XMP = b"http://ns.adobe.com/xap/1.0/\0"
SCRIPT = b"<html><script>alert(1)</script></html>"


def odd() -> dict[str, File]:
    """Return files that are unusual, and must open."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = picture(mode="RGBA")
    clear.putalpha(100)
    wide = np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27
    found: dict[str, File] = {f"1 × 1 {kind}": encoded(picture(1, 1), kind) for kind in KINDS}
    found |= {f"30,000 × 1 {kind}": encoded(picture(30_000, 1), kind) for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF")}
    found |= {f"1 × 30,000 {kind}": encoded(picture(1, 30_000), kind) for kind in ("JPEG", "PNG", "GIF", "TIFF")}
    found |= {f"turned {turn}": jpeg(marker(0xE1, exif(turn))) for turn in range(1, 9)}
    found |= {f"turned {turn}, which is no way": jpeg(marker(0xE1, exif(turn))) for turn in (0, 9, 65535)}
    found |= {
        f"{kind} of {mode}": encoded(picture(mode=mode), kind)
        for kind, mode in [
            ("PNG", "1"),
            ("PNG", "L"),
            ("PNG", "LA"),
            ("PNG", "P"),
            ("PNG", "RGBA"),
            ("GIF", "L"),
            ("GIF", "1"),
            ("BMP", "1"),
            ("BMP", "L"),
            ("BMP", "P"),
            ("BMP", "RGBA"),
            ("JPEG", "L"),
            ("JPEG", "CMYK"),
            ("TIFF", "CMYK"),
            ("TIFF", "LAB"),
            ("TIFF", "YCbCr"),
            ("TIFF", "1"),
            ("TIFF", "P"),
            ("TIFF", "RGBA"),
            ("WEBP", "RGBA"),
        ]
    }
    found |= {
        f"TIFF packed by {way}": encoded(picture(), "TIFF", compression=way)
        for way in (
            "tiff_lzw",
            "tiff_deflate",
            "packbits",
            "jpeg",
        )
    }
    return found | {
        "16 bits grey PNG": encoded(Image.fromarray(wide), "PNG"),
        "16 bits grey TIFF": encoded(Image.fromarray(wide), "TIFF"),
        "16 bits RGB PNG": blank_png(50, 40, 16, 2),
        "16 bits RGBA PNG": blank_png(50, 40, 16, 6),
        "2 bits grey PNG": blank_png(50, 40, 2, 0),
        "4 bits palette PNG": blank_png(50, 40, 4, 3),
        "interlaced PNG": blank_png(50, 40, 8, 2, 1),
        "palette with transparency": encoded(picture(mode="P"), "PNG", transparency=bytes(range(256))),
        "palette with one clear colour": encoded(picture(mode="P"), "GIF", transparency=3),
        "half clear": encoded(clear, "WEBP"),
        "CMYK without Adobe's marker": cmyk_without_adobe(),
        "RGB JPEG with Adobe's marker": encoded(picture(), "JPEG", keep_rgb=True),
        "progressive": encoded(picture(), "JPEG", progressive=True),
        "moving GIF": frames("GIF"),
        "moving WebP": frames("WEBP"),
        "moving PNG": frames("PNG"),
        "TIFF of pages": encoded(picture(), "TIFF", save_all=True, append_images=[picture()] * 3),
        "colour profile": jpeg(icc_profile=profile),
        "colour profile of noise": jpeg(icc_profile=noise(2000)),
        "colour profile cut": encoded(picture(), "PNG", icc_profile=profile[:50]),
        "colour profile of noise in WebP": webp((b"ICCP", noise(999)), flags=0x20),
        "colour profile of noise in TIFF": encoded(picture(), "TIFF", icc_profile=noise(999)),
        "colour profile of 4 MB": jpeg(icc_profile=bytes(4_000_000)),
        "EXIF of noise": jpeg(marker(0xE1, b"Exif\0\0" + noise(3000))),
        "EXIF turned by a text": jpeg(marker(0xE1, exif(b"six\0", kind=2, count=4))),
        "EXIF turned by four billion numbers": jpeg(marker(0xE1, exif(6, count=0xFFFFFFFF))),
        "EXIF turned by a double from nowhere": jpeg(marker(0xE1, exif(b"\xff\xff\xff\x7f", kind=12))),
        "EXIF that names itself as its next": jpeg(marker(0xE1, exif(1)[:-4] + struct.pack("<I", 8))),
        "EXIF of noise in PNG": png(chunk(b"eXIf", noise(900))),
        "EXIF of noise in WebP": webp((b"EXIF", noise(901)), flags=8),
        "XMP that turns a thousand ways": jpeg(marker(0xE1, XMP + b'tiff:Orientation="6" ' * 1000)),
        "GIF whose frame is smaller than its screen": gif(50, 40),
        "a file after the image": encoded(picture(), "PNG") + zipped({"run.sh": b"rm"}),
        "archive after a JPEG": jpeg() + zipped({"a": bytes(9)}),
        "page in a comment of a JPEG": jpeg(marker(0xFE, SCRIPT)),
        "page in a text of a PNG": png(chunk(b"tEXt", b"Comment\0" + SCRIPT)),
        "GIF that is a script": gif(50, 40).replace(b";", b"!\xfe\x0f*/=1;alert(1)/**\0;"),
        "PNG with a wrong date": png(
            chunk(b"tIME", b"\xff" * 7), chunk(b"gAMA", bytes(4)), chunk(b"pHYs", b"\xff" * 9)
        ),
        "13 thousand unknown chunks": png(chunk(b"teSt") * 13_000),
    }


def hostile() -> dict[str, File]:
    """Return files that must end in one sentence."""
    found: dict[str, File] = {
        f"{kind} cut at {share:.0%}": cut(kind, share) for kind in KINDS for share in (0.05, 0.3, 0.6, 0.9)
    }
    found |= {f"{kind}'s first bytes alone": encoded(picture(), kind)[:8] for kind in KINDS}
    found |= {f"{kind}'s first bytes, then noise": encoded(picture(), kind)[:12] + noise(100_000) for kind in KINDS}
    ftyp = b"\0\0\0\x18ftyp%b\0\0\0\0mif1%b"
    return found | {
        "nothing": b"",
        "one byte": b"\xff",
        "50 MB of noise": lambda: noise(50_000_000),
        "25 MB of noise behind a JPEG's first bytes": lambda: b"\xff\xd8\xff\xe0" + noise(24_900_000),
        "24 MB of zeros": lambda: bytes(24_000_000),
        # of another kind, whatever the name says
        "HEIC": ftyp % (b"heic", b"heic") + noise(500),
        "AVIF": encoded(picture(), "AVIF"),
        "JPEG 2000": encoded(picture(), "JPEG2000"),
        "PPM": encoded(picture(), "PPM"),
        "PPM of a billion pixels": b"P6 100000 10000 255\n",
        "ICO": encoded(picture(), "ICO"),
        "ICNS": encoded(picture(64, 64), "ICNS"),
        "TGA": encoded(picture(), "TGA"),
        "PCX": encoded(picture(), "PCX"),
        "DDS": encoded(picture(mode="RGBA"), "DDS"),
        "PDF": encoded(picture(), "PDF"),
        "PDF with a photo in it": b"%PDF-1.7\n" + jpeg(),
        "EPS, which is a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch x) (w) file\n",
        "PSD": b"8BPS\0\1" + noise(200),
        "FITS": b"SIMPLE  =                    T" + b" " * 3000,
        "SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "SVG of a billion laughs": b'<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>',
        "SVG that asks a host": b'<svg><image href="http://127.0.0.1:9/x"/></svg>',
        "page": b"<!doctype html>" + SCRIPT,
        "page with a photo behind": SCRIPT + jpeg(),
        "archive": zipped({"photo.jpg": jpeg()}),
        "archive bomb": lambda: zipped({"photo.jpg": bytes(20_000_000)}),
        "gzip of a photo": gzip.compress(jpeg()),
        "pickle": pickle.dumps({"photo": 1}),
        "JSON": json.dumps({"photo": [1]}).encode(),
        "program": b"\x7fELF\2\1\1" + noise(300),
        "MP4": ftyp % (b"isom", b"mp42") + noise(300),
        "text": "Grüße, kein Foto".encode(),
        "text of UTF-16": "kein Foto".encode("utf-16"),
        # more pixels than is opened
        "PNG of 51 megapixels": blank_png(7_200, 7_100, 1, 0),
        "PNG of 200 megapixels": lambda: blank_png(20_000, 10_000, 1, 0),
        "PNG of 4 billion times 4 billion": PNG + header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", zeros(1000)) + END,
        "PNG of minus one": PNG + header(2**32 - 1, 2**32 - 1) + chunk(b"IDAT", zeros(1000)) + END,
        "GIF of 65,535 a side": gif(65_535, 65_535),
        "WebP of 16,383 a side": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\xff\xff\xff\x0f" + bytes(12),
        "BMP of two billion a side": bmp(2**31 - 1, 2**31 - 1),
        "BMP of 60,000 a side": bmp(60_000, 60_000),
        "BMP upside down by two billion": bmp(100, -(2**31)),
        "JPEG of 65,535 a side": jpeg_of(65_535, 65_535),
        "TIFF of four billion a side": blank_tiff(2**32 - 1, 2**32 - 1, bytes(99), 1),
        "TIFF of 60,000 a side": blank_tiff(60_000, 60_000, bytes(99), 8),
        # no pixels at all
        "PNG of nothing": PNG + header(0, 9) + chunk(b"IDAT", zeros(9)) + END,
        "GIF of nothing": gif(0, 0, own=(0, 0)),
        "BMP of nothing": bmp(0, 0),
        "JPEG of nothing": jpeg_of(0, 0),
        "TIFF of nothing": blank_tiff(0, 0, bytes(9), 1),
        # little that would become much
        "RGBA PNG of 49 megapixels": lambda: blank_png(7_000, 7_000, 8, 6),
        "text of a PNG that unpacks to 300 MB": lambda: png(chunk(b"zTXt", b"Comment\0\0" + zeros(300_000_000))),
        "international text of a PNG that unpacks to 300 MB": lambda: png(
            chunk(b"iTXt", b"Comment\0\1\0\0\0" + zeros(300_000_000))
        ),
        "a hundred texts of a PNG, each of 1 MB": png(chunk(b"zTXt", b"Comment\0\0" + zeros(1_000_000)) * 100),
        "colour profile of a PNG that unpacks to 300 MB": lambda: png(chunk(b"iCCP", b"p\0\0" + zeros(300_000_000))),
        "JPEG of 5,000 passes": many_passes,
        "TIFF that declares a strip of 4 GB": blank_tiff(2_000, 2_000, bytes(99), 1)[:-4],
        "TIFF of floating point": encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"),
        "TIFF of 32 bits": encoded(Image.fromarray(np.full((4, 4), 2**30, np.int32)), "TIFF"),
        "TIFF without a directory": b"II*\0\xff\xff\xff\xff",
        "TIFF of 65,535 tags that are not there": tiff(count=65_535),
        "TIFF whose tags hold four billion numbers": tiff(*[(256 + at, 4, 2**32 - 1, 8) for at in range(30)]),
        "TIFF of an unknown packing": blank_tiff(9, 9, bytes(243), 34_925),
        "TIFF of 60,000 samples a pixel": blank_tiff(9, 9, bytes(243), 1, samples=60_000),
        "WebP that holds less than it says": webp()[:-30],
        "PNG without pixels": PNG + header(60, 40) + END,
        "PNG without its palette": PNG + header(60, 40, 8, 3) + chunk(b"IDAT", b"") + END,
        "PNG whose chunk is two billion long": PNG + header(60, 40) + b"\x7f\xff\xff\xffIDAT" + noise(99),
        "PNG with a wrong checksum": encoded(picture(), "PNG")[:29] + b"\0\0\0\0" + encoded(picture(), "PNG")[33:],
        "PNG of a colour there is none of": PNG + header(60, 40, 8, 7) + chunk(b"IDAT", zeros(9_000)) + END,
        "PNG of less than it says": PNG + header(60, 4_000) + chunk(b"IDAT", zeros(90)) + END,
        "JPEG without tables": b"\xff\xd8" + jpeg()[jpeg().index(b"\xff\xc0") :],
    }


def either() -> dict[str, File]:
    """Return files of which an image or a sentence is right: a reader may pass over what is wrong with them."""
    return {
        "PNG of 49 megapixels": lambda: blank_png(7_000, 7_000),
        "16 bits PNG of 49 megapixels": lambda: blank_png(7_000, 7_000, 16, 0),
        "palette PNG of 49 megapixels": lambda: blank_png(7_000, 7_000, 8, 3),
        "1 bit PNG of 49 megapixels": lambda: blank_png(7_000, 7_000, 1, 0),
        "PNG of 49 million by one": lambda: blank_png(49_000_000, 1, 8, 0),
        "PNG of one by 49 million": lambda: blank_png(1, 49_000_000, 8, 0),
        "PNG of 16 bits RGBA, 12 megapixels": lambda: blank_png(4_000, 3_000, 16, 6),
        "a moving PNG that says four billion frames": png(chunk(b"acTL", b"\xff" * 8)),
        "a moving PNG without its frames": png(chunk(b"acTL", struct.pack(">II", 9, 0)), chunk(b"fdAT", bytes(9))),
        "GIF of 7,000 a side": gif(7_000, 7_000),
        "GIF of 7,000 a side whose frame is empty": gif(7_000, 7_000, own=(7_000, 7_000)),
        "GIF of 100,000 frames": lambda: gif(50, 40, 100_000),
        "GIF with a million comments": lambda: gif(50, 40).replace(b";", b"!\xfe\0" * 1_000_000 + b";"),
        "WebP of 49 megapixels": plain_webp(7_000),
        "WebP of 9 megapixels": plain_webp(3_000),
        "WebP with 20 MB of colour profile": lambda: webp((b"ICCP", bytes(20_000_000)), flags=0x20),
        "WebP with 100,000 chunks": lambda: webp(*[(b"JUNK", b"")] * 100_000),
        "JPEG of 49 megapixels": lambda: encoded(Image.new("RGB", (7_000, 7_000)), "JPEG"),
        "progressive JPEG of 16 megapixels": lambda: encoded(
            Image.new("RGB", (4_000, 4_000)), "JPEG", progressive=True
        ),
        "CMYK JPEG of 16 megapixels": lambda: encoded(Image.new("CMYK", (4_000, 4_000)), "JPEG"),
        "JPEG of 5 MB of EXIF": lambda: jpeg(*[marker(0xE1, b"Exif\0\0" + bytes(65_000))] * 80),
        "JPEG that is several by its own word": jpeg(marker(0xE2, b"MPF\0II*\0\x08\0\0\0" + noise(400))),
        "EXIF of 5,000 tags": jpeg(marker(0xE1, many_tags(5_000))),
        "XMP of 9 MB in a PNG": lambda: png(
            chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + b"<tiff:Orientation>" * 500_000)
        ),
        "TIFF of 49 megapixels": lambda: blank_tiff(7_000, 7_000, zeros(147_000_000), 8),
        "TIFF that is its own next page": tiff_loop(),
        "TIFF of a JPEG": blank_tiff(60, 40, jpeg(), 7),
        "BMP of 49 megapixels packed": lambda: bmp(7_000, 7_000, 8, 1, b"\xff\0" * 192_200),
        "BMP packed into an endless line": bmp(6_000, 6_000, 8, 1, b"\0\2\xff\xff" * 1000),
        "BMP with a header of its own size": b"BM" + struct.pack("<IHHII", 99, 0, 0, 54, 2**31) + noise(90),
        **{f"{kind} with a tenth of noise": spoilt(kind) for kind in KINDS},
    }
