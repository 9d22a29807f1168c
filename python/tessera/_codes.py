"""Codes as arrays: packing, and the exact arithmetic of Hamming distances."""

import collections
import contextlib
import ctypes
import sys

import numpy

from . import _library
from ._library import Array, Codes, CodesForm, Error, library

_ELEMENTS = {("b", 1): 0, ("i", 1): 1, ("u", 1): 2, ("i", 2): 3, ("u", 2): 4, ("i", 4): 5, ("u", 4): 6,
             ("i", 8): 7, ("u", 8): 8, ("f", 2): 9, ("f", 4): 10, ("f", 8): 11}

Neighbours = collections.namedtuple("Neighbours", "distance index")
Neighbours.__doc__ = "What `nearest` gives: arrays of m x k, nearest first, ties by index."


def pack(bits):
    """Packs an array of bits into codes.

    bits: (n, b), bool or numbers that are 0 or 1.
    Returns uint8 (n, ceil(b / 8)): bit j of a row is bit j % 8 of its byte j // 8; the last byte is filled up with
    zeros. The same as numpy.packbits(bits, axis=1, bitorder="little").
    Raises Error where an element is neither 0 nor 1, or the array has not two dimensions.
    """
    bits = numpy.asarray(bits)
    if bits.ndim != 2:
        raise Error(f"bits have {bits.ndim} dimensions, expected two: a row for each example")
    if bits.dtype != bool:
        one = bits == 1
        bad = ~(one | (bits == 0))
        if bad.any():
            row, column = numpy.argwhere(bad)[0]
            raise Error(f"row {row}, column {column} is {bits[row, column]}, expected 0 or 1")
        bits = one
    return numpy.packbits(bits, axis=1, bitorder="little")


def unpack(codes, bits=None):
    """The bits of packed codes, bool (n, bits); without `bits` those of all bytes."""
    codes = numpy.asarray(codes)
    if codes.ndim != 2 or codes.dtype != numpy.uint8:
        raise Error(f"codes are {codes.dtype} of {codes.ndim} dimensions, expected uint8 of two")
    if bits is not None and not 0 <= bits <= 8 * codes.shape[1]:
        raise Error(f"{bits} bits are wanted of rows of {codes.shape[1]} bytes")
    return numpy.unpackbits(codes, axis=1, bitorder="little", count=bits).astype(bool)


def _view(array):
    """The library's view of an array, without a copy where its layout allows."""
    kind = _ELEMENTS.get((array.dtype.kind, array.dtype.itemsize))
    if kind is None:
        raise Error(f"the array's elements are {array.dtype}, expected bool, whole numbers or floats")
    if array.ndim > 8:
        raise Error(f"the array has {array.ndim} dimensions, expected at most 8")
    if any(stride < 0 for stride in array.strides):
        array = numpy.ascontiguousarray(array)
    foreign = ">" if sys.byteorder == "little" else "<"
    dims, strides = array.shape, array.strides
    return array, Array(kind, array.dtype.byteorder == foreign, array.ndim, (ctypes.c_size_t * 8)(*dims),
                        (ctypes.c_size_t * 8)(*strides), array.ctypes.data, 0)


@contextlib.contextmanager
def taken(codes, bits=None, what="codes"):
    """The library's codes of an array, for as long as they are wanted."""
    array = numpy.asarray(codes)
    if array.dtype == bool and bits is not None and array.ndim == 2 and array.shape[1] != bits:
        raise Error(f"{what}: rows have {array.shape[1]} bits, expected {bits}")
    if array.dtype not in (bool, numpy.uint8):
        raise Error(f"{what} are {array.dtype}, expected uint8 of packed bits or bool; see pack")
    array, view = _view(array)
    form = CodesForm(array.dtype == numpy.uint8, False, bits or 0, False, 0)
    out = ctypes.POINTER(Codes)()
    try:
        library.tsr_codes_from_array(view, form, ctypes.byref(out))
    except Error as error:
        raise Error(f"{what}: {error}", error.kind) from None
    try:
        yield out
    finally:
        library.tsr_codes_free(out)


def given(codes):
    """The library's codes as a packed array, a copy."""
    n, row = codes.contents.n, (codes.contents.bits + 7) // 8
    size = n * codes.contents.stride * 8
    if not n or not row:
        return numpy.zeros((n, row), numpy.uint8)
    words = numpy.frombuffer((ctypes.c_uint8 * size).from_address(codes.contents.words), numpy.uint8)
    if sys.byteorder != "little":
        words = words.view(numpy.uint64).byteswap().view(numpy.uint8)
    return words.reshape(n, -1)[:, :row].copy()


def nearest(train, test, k, bits=None):
    """The k nearest training codes of every test code, by Hamming distance, then by index.

    train, test: codes, (n, ...) and (m, ...); `bits`: of packed ones, where it is no multiple of 8 (other bits are
    zero then, and it makes no difference).
    Returns Neighbours(distance, index), uint32 (m, k) each: the exact ones.
    Raises Error where the codes have different numbers of bits, or k is not 1 to n.
    """
    with _library.lock, taken(train, bits, "train") as base, taken(test, bits, "test") as query:
        _library.host()
        k = int(k)
        if not 1 <= k <= base.contents.n:
            raise Error(f"k = {k}: expected 1 to {base.contents.n}, the training codes")
        index = numpy.empty((query.contents.n, k), numpy.uint32)
        distance = numpy.empty_like(index)
        library.tsr_nearest(base, query, k, index.ctypes.data, distance.ctypes.data)
        return Neighbours(distance, index)


def distinct(codes, return_group=False):
    """The number of distinct codes; 1 - distinct(codes) / len(codes) is the redundancy ratio.

    With return_group: (number, group), group uint32 (n,): that of each code, from 0, in the order of appearance.
    """
    with _library.lock, taken(codes) as rows:
        _library.host()
        count = ctypes.c_size_t()
        group = numpy.empty(rows.contents.n, numpy.uint32) if return_group else None
        library.tsr_distinct(rows, ctypes.byref(count), _library.pointer(group))
        return (count.value, group) if return_group else count.value
