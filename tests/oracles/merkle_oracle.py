"""A log's folder read by pymerkle and cryptography, knowing C2SP's texts and nothing of antin.

merkle_oracle.py FOLDER VERIFIER-KEY SIZE... prints JSON: whether the checkpoint is signed, its size and root, the roots of the trees of the sizes,
and for each entry the inclusion proof in the whole tree.
"""

import base64
import hashlib
import json
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree, verify_inclusion

folder, line, sizes = pathlib.Path(sys.argv[1]), sys.argv[2], [int(size) for size in sys.argv[3:]]

name, key_id, encoded = line.split("+", 2)
key = base64.b64decode(encoded)
assert key[0] == 1 and hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
text, signatures = (folder / "checkpoint").read_text().split("\n\n")
text += "\n"
is_signed = False
for signature in signatures.splitlines():
    dash, signer, value = signature.split(" ")
    value = base64.b64decode(value)
    if signer == name and value[:4].hex() == key_id:
        try:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(value[4:], text.encode())
            is_signed = True
        except InvalidSignature:
            pass
origin, size, root = text.splitlines()
size = int(size)

entries = []
for index in range((size + 255) // 256):
    width = min(256, size - 256 * index)
    path = folder / "tile/entries" / f"{index:03}"
    if width < 256:
        path = folder / "tile/entries" / f"{index:03}.p" / str(width)
    bundle = path.read_bytes()
    while bundle:
        (length,) = struct.unpack(">H", bundle[:2])
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
assert len(entries) == size

tree = InmemoryTree(algorithm="sha256")
for entry in entries:
    tree.append_entry(entry)
inclusion = []
for index in range(size):
    proof = tree.prove_inclusion(index + 1, size)
    verify_inclusion(tree.get_leaf(index + 1), tree.get_root(size), proof)
    inclusion.append([hash.hex() for hash in proof.path])
print(json.dumps({
    "origin": origin,
    "signed": is_signed,
    "size": size,
    "root": base64.b64decode(root).hex(),
    "roots": {older: tree.get_root(older).hex() for older in [*sizes, size]},
    "inclusion": inclusion,
}))
