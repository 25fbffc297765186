"""The vocabulary of a SentencePiece model.

Format: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
"""

import struct

NORMAL = 1


def varint(data, at):
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """Numbers and values of a message's fields: integers, or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == 2:
            length, at = varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"field {number} has wire type {wire}, expected 0, 1, 2 or 5")
        if at + length > len(data):
            raise ValueError(f"field {number} has {length} bytes, expected {len(data) - at} at most")
        yield number, data[at : at + length]
        at += length


class Vocabulary:
    """Texts, scores and types of the pieces, and whether a text gets a space in front of it."""

    def __init__(self, path):
        self.texts, self.scores, self.types = [], [], []
        self.dummy_prefix = True
        for number, value in fields(path.read_bytes()):
            if number == 1:
                self.add(value)
            elif number == 3:
                self.dummy_prefix = bool(dict(fields(value)).get(3, True))

    def add(self, piece):
        values = dict(fields(piece))
        self.texts.append(values[1].decode())
        self.scores.append(struct.unpack("<f", values[2])[0] if 2 in values else 0.0)
        self.types.append(values.get(3, NORMAL))
