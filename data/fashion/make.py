"""Makes the four files of this folder from the four files of Fashion-MNIST.

    python3 make.py FOLDER OUTPUT

FOLDER holds Zalando's files, plain or gzipped, under their published names; they are checked. OUTPUT gets the first 6,000
training points and the first 2,000 test points in the same format, gzipped without name and time: the same bytes wherever
zlib is the same, and the same content everywhere.
"""

import gzip
import hashlib
import pathlib
import sys
import zlib

# Name, points, bytes of the header, bytes of a point, points kept, md5 of the whole published file when unpacked.
FILES = [
    ("train-images-idx3-ubyte", 60_000, 16, 784, 6_000, "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    ("train-labels-idx1-ubyte", 60_000, 8, 1, 6_000, "9018921c3c673c538a1fc5bad174d6f9"),
    ("t10k-images-idx3-ubyte", 10_000, 16, 784, 2_000, "8181f5470baa50b63fa0f6fddb340f0a"),
    ("t10k-labels-idx1-ubyte", 10_000, 8, 1, 2_000, "15d484375f8d13e6eb1aabb0c3f46965"),
]


def content(folder, name):
    """The file's bytes, unpacked where only the gzipped file is there."""
    plain = folder / name
    return plain.read_bytes() if plain.is_file() else gzip.decompress((folder / f"{name}.gz").read_bytes())


def gzipped(content):
    """By hand, because Python's versions write different headers: no name, no time, system unknown."""
    deflate = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS, memLevel=9)
    packed = deflate.compress(content) + deflate.flush()
    trailer = zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + packed + trailer


def main(folder, output):
    output.mkdir(parents=True, exist_ok=True)
    for name, points, header, size, kept, md5 in FILES:
        whole = content(folder, name)
        found = hashlib.md5(whole).hexdigest()
        if found != md5 or len(whole) != header + points * size:
            sys.exit(f"{folder / name} is not the published file: {len(whole)} bytes, md5 {found}, published {md5}")
        part = whole[:4] + kept.to_bytes(4, "big") + whole[8 : header + kept * size]
        packed = gzipped(part)
        (output / f"{name}.gz").write_bytes(packed)
        print(f"{hashlib.sha256(packed).hexdigest()}  {name}.gz  {len(packed):,} bytes, crc {zlib.crc32(part):#010x}")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:3]))
