"""tools/cifar-from-png on pictures that are written here: every byte is where CIFAR's binary format has it, and
what is no such picture, or does not go with its labels, is refused with a reason."""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

PROGRAM = os.path.join(os.environ["TSR_BUILD"], "tools", "cifar-from-png")
WIDTH = 1024
failures = []


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows, width=WIDTH, depth=8, colour=2, interlace=0):
    """The PNG of rows of bytes, each behind filter 0 or, every other one, filter 1 (difference to the left)."""
    packed = b""
    for number, row in enumerate(rows):
        if number % 2:
            row = bytes((row[i] - (row[i - 3] if i >= 3 else 0)) % 256 for i in range(len(row)))
        packed += bytes([number % 2]) + row
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(packed)) +
            chunk(b"IEND", b""))


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def convert(labels, per_class, *images):
    write("labels.json", labels if isinstance(labels, bytes) else json.dumps(labels).encode())
    return subprocess.run([PROGRAM, ".", "labels.json", str(per_class), *images], capture_output=True, text=True)


def claim(what, holds):
    if not holds:
        failures.append(what)


def refused(what, result, message):
    claim(f"{what}: {result.returncode} {result.stderr}", result.returncode == 2 and message in result.stderr)


def record(label, row):
    return bytes([label]) + row[0::3] + row[1::3] + row[2::3]


def main():
    random.seed(1)
    rows = [random.randbytes(3 * WIDTH) for _ in range(20)]
    labels = [i % 10 for i in range(20)]
    write("first.png", png(rows[:13]))
    write("second.png", png(rows[13:]))
    result = convert(labels, 2, "first.png", "second.png")
    claim(f"good pictures are converted: {result.stderr}", result.returncode == 0)
    for name, begin, end in (("first.bin", 0, 13), ("second.bin", 13, 20)):
        expected = b"".join(record(labels[i], rows[i]) for i in range(begin, end))
        claim(f"{name} holds every byte in its place", open(name, "rb").read() == expected)

    refused("fewer labels than rows", convert(labels[:10], 1, "first.png"), "first.png: has more rows than there")
    refused("more labels than rows", convert(labels, 2, "first.png"), "labels.json: holds more labels than the images")
    refused("another number of a class", convert(labels[1:] + [1], 2, "first.png"),
            "labels.json: label 0 occurs 1 times, expected 2")
    refused("a label of 10", convert([10], 1, "first.png"), "labels.json: a label is no integer from 0 to 9")
    refused("a label that is a text", convert(["1"], 1, "first.png"), "a label is no integer from 0 to 9")
    refused("labels that are an object", convert({}, 0, "first.png"), "expected a JSON array of labels")
    refused("labels that are no JSON", convert(b"[1,", 1, "first.png"), "cifar-from-png: labels.json: ")
    refused("no labels", subprocess.run([PROGRAM, ".", "none.json", "1", "first.png"], capture_output=True,
                                        text=True), "none.json")
    refused("no picture", convert(labels, 2, "none.png"), "none.png: No such file")

    write("narrow.png", png([row[:-3] for row in rows], width=WIDTH - 1))
    write("deep.png", png([row + row for row in rows], depth=16))
    write("grey.png", png([row[:WIDTH] for row in rows], colour=0))
    write("laced.png", png(rows, interlace=1))
    for name in ("narrow.png", "deep.png", "grey.png", "laced.png"):
        refused(name, convert(labels, 2, name), f"{name}: expected rows of 1024 RGB pixels of 8 bits")
    whole = png(rows)
    for length in (0, 7, 40, len(whole) // 2):
        write("cut.png", whole[:length])
        refused(f"a picture cut at {length}", convert(labels, 2, "cut.png"), "cut.png: cannot be read as PNG")
    usage = subprocess.run([PROGRAM, "."], capture_output=True, text=True)
    claim("missing arguments are wrong usage", usage.returncode == 1 and "usage: cifar-from-png" in usage.stderr)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    main()
    os.chdir("/")
for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
