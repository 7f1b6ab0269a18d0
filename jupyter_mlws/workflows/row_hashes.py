"""Hashes of the values of Arrow arrays, with NumPy: equal values have equal hashes.

A row is the sum of its cells' hashes, each with the seeds of its column. Two sums of 64 bits with
random seeds are different for rows that differ, with a probability of error of 2^-128 each.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
NAN = np.uint64(0x7FF8000000000000)
MISSING = np.uint64(0x9E3779B97F4A7C15)
SAMPLE = 1000
"""Values that tell whether a column of texts repeats few of them."""
WORD = 8
LONG_TEXT = 512
"""Bytes of a text that is hashed by itself: the others are hashed together, by words."""
MASKS = np.array([(1 << (8 * n)) - 1 for n in range(WORD + 1)], dtype=np.uint64)
"""Masks of the last word of a text, by its number of bytes."""


def new_seed() -> np.uint64:
    """Return a random seed."""
    return np.uint64(secrets.randbits(64))


def mix(bits: Hashes, seed: np.uint64) -> Hashes:
    """Return hashes of words of 64 bits; different words have different ones (splitmix64)."""
    x = bits ^ seed
    x ^= x >> np.uint64(30)
    x *= FIRST
    x ^= x >> np.uint64(27)
    x *= SECOND
    x ^= x >> np.uint64(31)
    return x


def hash_values(array: pa.Array, seeds: Sequence[np.uint64]) -> list[Hashes]:
    """Return the hash of each value, with each of the seeds; missing values and NaN are equal."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return hash_values(array.storage, seeds)
    if pa.types.is_null(kind):
        return [np.full(len(array), MISSING ^ seed) for seed in seeds]
    if pa.types.is_dictionary(kind):
        hashes = _of_dictionary(array, seeds)
    elif pa.types.is_floating(kind):
        values = array.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
        # Zero with a sign equals the one without.
        bits = (values + 0.0).view(np.uint64)
        bits[np.isnan(values)] = NAN
        hashes = [mix(bits, seed) for seed in seeds]
        for one, seed in zip(hashes, seeds, strict=True):
            one[bits == NAN] = MISSING ^ seed
        return hashes
    elif (bits := to_integers(array)) is not None:
        hashes = [mix(bits, seed) for seed in seeds]
    elif pa.types.is_struct(kind):
        hashes = [np.zeros(len(array), dtype=np.uint64) for _ in seeds]
        for number, field in enumerate(array.flatten()):
            for total, part, seed in zip(hashes, hash_values(field, seeds), seeds, strict=True):
                total += mix(part, seed ^ np.uint64(number + 1))
        hashes = [mix(one, seed) for one, seed in zip(hashes, seeds, strict=True)]
    elif pa.types.is_nested(kind):
        if pa.types.is_fixed_size_list(kind):
            array = array.cast(pa.list_(kind.value_type))
        hashes = [_hash_lists(array, seed) for seed in seeds]
    elif len(array) > SAMPLE and len(array.slice(0, SAMPLE).unique()) < SAMPLE // 10:
        # Few texts are repeated.
        hashes = _of_dictionary(array.dictionary_encode(), seeds)
    else:
        hashes = _hash_texts(as_texts(array), seeds)
    if array.null_count:
        missing = pc.is_null(array).to_numpy(zero_copy_only=False)
        for one, seed in zip(hashes, seeds, strict=True):
            one[missing] = MISSING ^ seed
    return hashes


def _of_dictionary(array: pa.Array, seeds: Sequence[np.uint64]) -> list[Hashes]:
    if not len(array.dictionary):
        return [np.full(len(array), MISSING ^ seed) for seed in seeds]
    indices = array.indices.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return [one[indices] for one in hash_values(array.dictionary, seeds)]


def to_integers(array: pa.Array) -> Hashes | None:
    """Return values of 64 bits or less as whole numbers; None for other values."""
    kind = array.type
    if pa.types.is_temporal(kind) and kind.bit_width in (32, 64):
        array = array.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return None
    array = array.cast(pa.uint64() if pa.types.is_uint64(kind) else pa.int64())
    values: Any = array.fill_null(0).to_numpy(zero_copy_only=False)
    bits: Hashes = np.ascontiguousarray(values).view(np.uint64)
    return bits


def as_texts(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return array
    if pa.types.is_fixed_size_binary(kind) and not pa.types.is_decimal(kind):
        return array.cast(pa.binary())
    return array if pa.types.is_binary(kind) else array.cast(pa.string())


def _hash_lists(array: pa.Array, seed: np.uint64) -> Hashes:
    """Return hashes of lists: sums of those of their items with their places."""
    offsets = array.offsets.to_numpy().astype(np.int64)
    count = offsets[-1] - offsets[0]
    if pa.types.is_map(array.type):
        keys, values = (part.slice(offsets[0], count) for part in (array.keys, array.items))
        hashes = hash_values(keys, [seed])[0] + mix(hash_values(values, [seed])[0], seed)
    else:
        hashes = hash_values(array.values.slice(offsets[0], count), [seed])[0]
    lengths, starts = np.diff(offsets), offsets[:-1] - offsets[0]
    places = np.arange(len(hashes)) - np.repeat(starts, lengths)
    sums = np.zeros(len(hashes) + 1, dtype=np.uint64)
    np.cumsum(mix(hashes ^ mix(places.view(np.uint64), seed), seed), out=sums[1:])
    totals = sums[starts + lengths] - sums[starts]
    return mix(totals ^ mix(lengths.view(np.uint64), seed), seed)


def _hash_texts(array: pa.Array, seeds: Sequence[np.uint64]) -> list[Hashes]:
    """Return hashes of texts or bytes, by words of 8 bytes."""
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offset_bytes, data = array.buffers()
    if not len(array) or offset_bytes is None:
        return [np.zeros(len(array), dtype=np.uint64) for _ in seeds]
    offsets = np.frombuffer(offset_bytes, dtype=np.int64 if large else np.int32)
    offsets = offsets[array.offset : array.offset + len(array) + 1].astype(np.int64)
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    # The word at the end of the last text ends behind it.
    text = np.zeros(offsets[-1] - offsets[0] + WORD, dtype=np.uint8)
    if data is not None:
        text[:-WORD] = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]]
    words = np.ndarray((len(text) - WORD + 1,), "<u8", buffer=text, strides=(1,))
    hashes = [mix(lengths.view(np.uint64), seed) for seed in seeds]
    is_short = lengths <= LONG_TEXT
    rows: Any = slice(None)
    for at in range(0, int(lengths[is_short].max(initial=0)), WORD):
        if at:
            rows = np.flatnonzero(is_short & (lengths > at))
        left = np.minimum(lengths[rows] - at, WORD)
        part = words[starts[rows] + at] & MASKS[left]
        for one, seed in zip(hashes, seeds, strict=True):
            one[rows] = mix(one[rows] ^ part, seed ^ np.uint64(at))
    for row in np.flatnonzero(~is_short):
        content = text[starts[row] : starts[row] + lengths[row]].tobytes()
        for one, seed in zip(hashes, seeds, strict=True):
            key = int(seed).to_bytes(8, "little")
            digest = hashlib.blake2b(content, digest_size=8, key=key).digest()
            one[row] = int.from_bytes(digest, "little")
    return hashes
