"""Status list tokens, read and made by python-cwt and PyJWT (tests/oracles/status_lists.rs).

read cwt|jwt FILE CERT INDEX...: verifies with the key of the certificate and prints what is stated, as JSON.
write cwt|jwt FILE KEY URI ISSUED BITS STATUS...: a token over these statuses, for ten minutes.
"""

import base64
import json
import sys
import zlib

import cbor2
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cwt import COSE, COSEKey, COSEHeaders

CWT_TYPE = "application/statuslist+cwt"


def pem(path):
    with open(path, "rb") as file:
        return file.read()


def octets_of(base64url):
    return base64.urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4))


def read(form, path, certificate, indices):
    certificate = x509.load_pem_x509_certificate(pem(certificate))
    key = certificate.public_key()
    token = pem(path).strip() if form == "jwt" else pem(path)
    if form == "jwt":
        header = jwt.get_unverified_header(token)
        assert header["typ"] == "statuslist+jwt" and header["alg"] == "ES256", header
        shown = base64.b64decode(header["x5c"][0])
        claims = jwt.decode(token, key, algorithms=["ES256"], options={"require": ["sub", "iat", "exp"]})
        stated = {name: claims[name] for name in ("sub", "iat", "exp", "ttl")}
        status_list = claims["status_list"]
        compressed = octets_of(status_list["lst"])
    else:
        encoded = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        protected, _, payload = COSE.new(verify_kid=False).decode_with_headers(token, COSEKey.from_pem(encoded))
        assert protected[16] == CWT_TYPE and protected[1] == -7, protected
        shown = protected[33][0] if isinstance(protected[33], list) else protected[33]
        claims = cbor2.loads(payload)
        stated = {"sub": claims[2], "iat": claims[6], "exp": claims[4], "ttl": claims[65534]}
        status_list = claims[65533]
        compressed = status_list["lst"]
    assert shown == certificate.public_bytes(serialization.Encoding.DER)
    bits = status_list["bits"]
    statuses = zlib.decompress(compressed)
    in_octet = 8 // bits
    status = [(statuses[index // in_octet] >> (index % in_octet * bits)) & ((1 << bits) - 1) for index in indices]
    print(json.dumps({**stated, "bits": bits, "octets": len(statuses), "statuses": status}))


def write(form, path, key, uri, issued, bits, statuses):
    in_octet = 8 // bits
    octets = bytearray(-(-len(statuses) // in_octet))
    for index, status in enumerate(statuses):
        octets[index // in_octet] |= status << (index % in_octet * bits)
    compressed = zlib.compress(bytes(octets), 9)
    if form == "jwt":
        lst = base64.urlsafe_b64encode(compressed).rstrip(b"=").decode()
        claims = {"sub": uri, "iat": issued, "exp": issued + 600, "ttl": 20, "status_list": {"bits": bits, "lst": lst}}
        token = jwt.encode(claims, pem(key), algorithm="ES256", headers={"typ": "statuslist+jwt"}).encode()
    else:
        claims = {2: uri, 6: issued, 4: issued + 600, 65534: 20, 65533: {"bits": bits, "lst": compressed}}
        cose = COSE.new()
        protected = {1: -7, 16: CWT_TYPE}
        token = cose.encode_and_sign(cbor2.dumps(claims), COSEKey.from_pem(pem(key)), protected=protected)
    with open(path, "wb") as file:
        file.write(token)


verb, form, path, rest = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
if verb == "read":
    read(form, path, rest[0], [int(index) for index in rest[1:]])
else:
    write(form, path, rest[0], rest[1], int(rest[2]), int(rest[3]), [int(status) for status in rest[4:]])
