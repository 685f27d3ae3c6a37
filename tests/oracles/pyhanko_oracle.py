"""pyHanko as an oracle: signs, or says what it thinks of a signature.

    pyhanko_oracle.py sign --key K --cert C [--chain C]... [--digest NAME] [--detached] [--cades] [--pss] --out FILE CONTENT
    pyhanko_oracle.py verify --root C [--chain C]... [--crl FILE]... [--content FILE] [--signer N] SIGNATURE

`verify` prints one JSON object: `bottom_line` is pyHanko's own word for "relied on"; the rest says why. `timestamp` is the time that a
time-stamp proves, `timestamp_valid` whether it is intact and trusted. All files are PEM, signatures DER. pyHanko takes one signer:
`--signer` leaves the one of that number, from 0 on, in the message.
"""

import argparse
import asyncio
import datetime
import hashlib
import json

from asn1crypto import cms, pem
from pyhanko.keys import load_cert_from_pemder
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, SimpleSigner
from pyhanko.sign.validation.generic_cms import (
    async_validate_cms_signature,
    async_validate_detached_cms,
    collect_timing_info,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext


def read(path):
    with open(path, "rb") as file:
        return file.read()


async def sign(options):
    signer = SimpleSigner.load(
        options.key, options.cert, ca_chain_files=options.chain or None, prefer_pss=options.pss
    )
    attributes = PdfCMSSignedAttributes(
        signing_time=datetime.datetime.now(datetime.timezone.utc),
        cades_signed_attrs=CAdESSignedAttrSpec() if options.cades else None,
    )
    message = await signer.async_sign_general_data(
        read(options.file),
        options.digest,
        detached=options.detached,
        use_cades=options.cades,
        signed_attr_settings=attributes,
    )
    with open(options.out, "wb") as file:
        file.write(message.dump())


async def verify(options):
    message = cms.ContentInfo.load(read(options.file), strict=True)["content"]
    if options.signer is not None:
        message["signer_infos"] = [message["signer_infos"][options.signer]]
    context = ValidationContext(
        trust_roots=[load_cert_from_pemder(options.root)],
        other_certs=[load_cert_from_pemder(path) for path in options.chain],
        crls=[pem.unarmor(read(path))[2] for path in options.crl],
        revocation_mode="require",
    )
    usages = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"})
    if options.content:
        status = await async_validate_detached_cms(
            read(options.content), message, signer_validation_context=context, key_usage_settings=usages
        )
    else:
        status = await async_validate_cms_signature(
            message,
            status_cls=StandardCMSSignatureStatus,
            validation_context=context,
            key_usage_settings=usages,
            status_kwargs=await collect_timing_info(
                message["signer_infos"][0],
                context,
                lambda name: hashlib.new(name, message["encap_content_info"]["content"].native).digest(),
            ),
        )
    stamp = status.timestamp_validity
    print(
        json.dumps(
            {
                "timestamp": stamp and stamp.timestamp.isoformat(),
                "timestamp_valid": stamp and stamp.intact and stamp.valid and stamp.trusted,
                "bottom_line": status.bottom_line,
                "intact": status.intact,
                "valid": status.valid,
                "trusted": status.trusted,
                "summary": status.summary(),
            }
        )
    )


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    signing = commands.add_parser("sign")
    signing.set_defaults(run=sign)
    signing.add_argument("--key", required=True)
    signing.add_argument("--cert", required=True)
    signing.add_argument("--digest", default="sha256")
    signing.add_argument("--out", required=True)
    for switch in ("--detached", "--cades", "--pss"):
        signing.add_argument(switch, action="store_true")
    verifying = commands.add_parser("verify")
    verifying.set_defaults(run=verify)
    verifying.add_argument("--root", required=True)
    verifying.add_argument("--crl", action="append", default=[])
    verifying.add_argument("--content")
    verifying.add_argument("--signer", type=int)
    for command in (signing, verifying):
        command.add_argument("--chain", action="append", default=[])
        command.add_argument("file")
    options = parser.parse_args()
    asyncio.run(options.run(options))


main()
