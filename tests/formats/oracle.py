#!/usr/bin/env python3
"""Files as studios have them, made and compared by OpenImageIO: another hand than ours.

  oracle.py make SOURCE FOLDER     one file of each kind, all of the same picture
  oracle.py compare BEFORE AFTER   what may not have changed has not: exit 1 and a line for each that has
  oracle.py leak FOLDER OUT        the same pictures as JPEG 75 in sRGB, as a viewer would send them

It needs the package `openimageio` of PyPI, which brings numpy.
"""

import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

COLOURS = {"R", "G", "B", "Y"}


def linear(code):
    """Light of sRGB code values, both from 0 to 1."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def code(light):
    """The other way round, and on above 1."""
    light = np.abs(light.astype(np.float64))
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def soft_disc(height, width):
    """Alpha that is nothing at the corners, half on a rim and full inside."""
    y, x = np.mgrid[0:height, 0:width]
    r = np.hypot((x - width / 2) / (width / 2), (y - height / 2) / (height / 2))
    return np.clip((1.15 - r) * 8, 0, 1)


def write(path, planes, depth, **attributes):
    """Write channels by name; attributes with a dot for a colon (`tiff.predictor`)."""
    names, data = zip(*planes.items())
    height, width = data[0].shape
    spec = oiio.ImageSpec(width, height, len(names), depth)
    spec.channelnames = names
    formats = attributes.pop("formats", None)
    if formats:
        spec.channelformats = tuple(oiio.TypeDesc(f) for f in formats)
    full = attributes.pop("full", None)
    if full:
        spec.x, spec.y = attributes.pop("at")
        spec.full_x, spec.full_y, spec.full_width, spec.full_height = full
    tile = attributes.pop("tile", 0)
    if tile:
        spec.tile_width = spec.tile_height = tile
    if "A" in names:
        spec.alpha_channel = names.index("A")
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    if not out or not out.open(str(path), spec):
        raise SystemExit(f"{path}: {oiio.geterror()}")
    if not out.write_image(np.ascontiguousarray(np.dstack(data)).astype(np.float32)):
        raise SystemExit(f"{path}: {out.geterror()}")
    out.close()


def make(source, folder):
    picture = oiio.ImageBuf(source).get_pixels(oiio.FLOAT)[:, :, :3].astype(np.float64)
    height, width = picture.shape[:2]
    light = {name: linear(picture[:, :, i]) for i, name in enumerate("RGB")}
    seen = {name: picture[:, :, i] for i, name in enumerate("RGB")}
    alpha = soft_disc(height, width)
    multiplied = {name: plane * alpha for name, plane in light.items()} | {"A": alpha}
    depth = np.linspace(1, 1000, height * width).reshape(height, width)
    folder.mkdir(parents=True, exist_ok=True)
    for compression in ("none", "rle", "zips", "zip", "piz", "pxr24", "b44a", "dwaa:45"):
        write(folder / f"{compression.split(':')[0]}.exr", light, "half", compression=compression)
    write(folder / "alpha_tiled.exr", multiplied, "half", compression="piz", tile=64, owner="Lion Studio")
    write(folder / "float.exr", multiplied, "float", compression="zip", worldToNDC=1.5)
    layers = multiplied | {f"diffuse.{n}": 0.7 * p for n, p in light.items()} | {"Z": depth, "N.X": depth, "N.Y": depth}
    layers |= {f"crypto00.{n}": depth / 7 for n in "RGB"}
    write(folder / "mixed.exr", layers, "half", formats=["half"] * 7 + ["float"] * (len(layers) - 7), compression="zips")
    write(folder / "overscan.exr", light, "half", compression="zip", at=(-40, -30), full=(0, 0, width - 80, height - 60))
    write(folder / "ten.dpx", seen, "uint10", oiio__BitsPerSample=10)
    write(folder / "twelve.dpx", seen, "uint12", oiio__BitsPerSample=12)
    write(folder / "sixteen.dpx", seen, "uint16")
    write(folder / "eight.dpx", seen, "uint8")
    write(folder / "float.tif", light, "float", compression="zip", tiff__predictor=3)
    write(folder / "half_tiled.tif", multiplied, "half", compression="lzw", tile=64)
    write(folder / "associated.tif", {n: p * alpha for n, p in seen.items()} | {"A": alpha}, "uint16", compression="lzw")
    write(folder / "unassociated.tif", seen | {"A": alpha}, "uint16", compression="zip", oiio__UnassociatedAlpha=1)
    write(folder / "runs.tga", seen | {"A": alpha}, "uint8", compression="rle", oiio__UnassociatedAlpha=1, ImageDescription="a comment")


def images(path):
    """Every picture of a file: its specification and its samples in their own type."""
    source = oiio.ImageInput.open(str(path))
    if not source:
        raise SystemExit(f"{path}: {oiio.geterror()}")
    part = 0
    while source.seek_subimage(part, 0):
        spec = source.spec()
        native = oiio.FLOAT if spec.format in (oiio.HALF, oiio.FLOAT) else spec.format
        yield spec, source.read_image(part, 0, 0, spec.nchannels, native)
        part += 1


def said(spec):
    """All that a file says besides its samples."""
    ours = {"oiio:SourcePath"}
    about = {a.name: str(a.value) for a in spec.extra_attribs if a.name not in ours}
    return about | {"window": (spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height),
                    "channels": spec.channelnames, "depth": str(spec.format), "depths": str(spec.channelformats)}


def differences(before, after):
    """What has changed and may not have."""
    for (spec, old), (other, new) in zip(images(before), images(after), strict=True):
        if said(spec) != said(other):
            yield f"says something else: {set(said(spec).items()) ^ set(said(other).items())}"
        alpha = old[:, :, spec.alpha_channel] if spec.alpha_channel >= 0 else None
        lossy = spec.getattribute("compression") in ("b44a", "dwaa")
        for i, name in enumerate(spec.channelnames):
            a, b = old[:, :, i], new[:, :, i]
            if name.split(".")[-1] not in COLOURS or name.startswith("crypto") or name.startswith("N."):
                if not np.array_equal(a, b):
                    yield f"channel {name} has changed"
                continue
            if np.array_equal(a, b):
                yield f"channel {name} bears nothing"
            if alpha is not None and not lossy and not np.array_equal(a[alpha == 0], b[alpha == 0]):
                yield f"channel {name} has changed where alpha is 0"
            most = np.abs(code_values(a, spec) - code_values(b, spec)).max()
            if most > (20 if lossy else 3):
                yield f"channel {name} has changed by {most:.1f} code values"


def code_values(samples, spec):
    if spec.format in (oiio.HALF, oiio.FLOAT):
        return 255 * code(samples)
    return samples.astype(np.float64) * 255 / np.iinfo(samples.dtype).max


def compare(before, after):
    status = 0
    for path in sorted(before.iterdir()):
        for line in differences(path, after / path.name):
            print(f"{path.name}: {line}")
            status = 1
    return status


def leak(folder, out):
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        spec, samples = next(images(path))
        light = spec.format in (oiio.HALF, oiio.FLOAT)
        rgb = np.dstack([samples[:, :, spec.channelnames.index(n)] for n in "RGB"]).astype(np.float64)
        if not light:
            rgb = rgb / np.iinfo(samples.dtype).max
        seen = np.clip(code(np.clip(rgb, 0, None)) if light else rgb, 0, 1)
        height, width = seen.shape[:2]
        picture = oiio.ImageBuf(oiio.ImageSpec(width, height, 3, "uint8"))
        picture.set_pixels(oiio.ROI(), np.ascontiguousarray(seen).astype(np.float32))
        picture.specmod().attribute("compression", "jpeg:75")
        picture.write(str(out / f"{path.stem}_{path.suffix[1:]}.jpg"))


if __name__ == "__main__":
    verb, *paths = sys.argv[1:]
    if verb == "make":
        make(paths[0], Path(paths[1]))
    elif verb == "compare":
        sys.exit(compare(*map(Path, paths)))
    elif verb == "leak":
        leak(*map(Path, paths))
    else:
        sys.exit(__doc__)
