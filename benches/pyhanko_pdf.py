"""Seconds of core time that pyHanko takes to judge the one signature of a PDF, from octets, revocation required: the least.

    pyhanko_pdf.py SECONDS FILE ROOT CA ROOT-CRL CA-CRL
"""

import io
import sys
import time

from asn1crypto import crl, pem
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext


def read(path):
    with open(path, "rb") as file:
        octets = file.read()
    return pem.unarmor(octets)[2] if pem.detect(octets) else octets


def main():
    seconds, path, root, ca = float(sys.argv[1]), *sys.argv[2:5]
    with open(path, "rb") as file:
        document = file.read()
    root, ca = load_cert_from_pemder(root), load_cert_from_pemder(ca)
    lists = [read(path) for path in sys.argv[5:]]
    best, count, end = float("inf"), 0, time.monotonic() + seconds
    while count < 5 or time.monotonic() < end:
        started = time.thread_time()
        context = ValidationContext(
            trust_roots=[root],
            other_certs=[ca],
            crls=[crl.CertificateList.load(one) for one in lists],
            revocation_mode="require",
            allow_fetching=False,
        )
        signature = PdfFileReader(io.BytesIO(document)).embedded_signatures[0]
        usage = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"})
        status = validate_pdf_signature(signature, context, key_usage_settings=usage)
        best, count = min(best, time.thread_time() - started), count + 1
        assert status.bottom_line, status.summary()
    print(best)


main()
