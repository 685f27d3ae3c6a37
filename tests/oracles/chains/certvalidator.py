"""pyHanko's side of the generated chains: certvalidator over a batch.

    certvalidator.py SECONDS BATCH

SECONDS since 1970 is the validation time; `Chain::push_to` of draft.rs says how the batch is written. Prints a line for each
chain: "valid", or why it is not.
"""

import asyncio
import datetime
import logging
import struct
import sys
import warnings

from asn1crypto import crl, x509
from pyhanko_certvalidator import CertificateValidator, PKIXValidationParams, ValidationContext

POLICY, MAPPING, ANY, REVOCATION = 1, 2, 4, 8


class Batch:
    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def number(self):
        self.at += 4
        return struct.unpack_from(">I", self.octets, self.at - 4)[0]

    def strings(self):
        return [self.string() for _ in range(self.number())]

    def string(self):
        length = self.number()
        self.at += length
        return self.octets[self.at - length : self.at]


def read(kind, strings):
    """What is not read is as good as not given."""
    for string in strings:
        try:
            value = kind.load(string, strict=True)
            value.native
            yield value
        except (ValueError, TypeError):
            pass


async def judge(batch, moment):
    switches = batch.number()
    policies = ["any_policy" if policy == b"2.5.29.32.0" else policy.decode() for policy in batch.strings()]
    anchors = list(read(x509.Certificate, batch.strings()))
    links = list(read(x509.Certificate, batch.strings()))
    lists = list(read(crl.CertificateList, batch.strings()))
    targets = batch.strings()
    try:
        target = x509.Certificate.load(targets[0], strict=True)
        context = ValidationContext(
            trust_roots=anchors,
            other_certs=links,
            crls=lists,
            moment=moment,
            best_signature_time=moment,
            revocation_mode="require" if switches & REVOCATION else "soft-fail",
            time_tolerance=datetime.timedelta(0),
        )
        params = PKIXValidationParams(
            user_initial_policy_set=frozenset(policies),
            initial_explicit_policy=bool(switches & POLICY),
            initial_policy_mapping_inhibit=bool(switches & MAPPING),
            initial_any_policy_inhibit=bool(switches & ANY),
        )
        await CertificateValidator(target, validation_context=context, pkix_params=params).async_validate_path()
        return "valid"
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())


async def main():
    moment = datetime.datetime.fromtimestamp(int(sys.argv[1]), datetime.timezone.utc)
    with open(sys.argv[2], "rb") as file:
        batch = Batch(file.read())
    while batch.at < len(batch.octets):
        print(await judge(batch, moment))


warnings.simplefilter("ignore")
logging.disable()
asyncio.run(main())
