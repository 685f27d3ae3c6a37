"""pyHanko as an oracle of PDFs: what it thinks of each signature.

    pyhanko_pdf.py judge --root C [--chain C]... [--crl FILE]... FILE...
    pyhanko_pdf.py stored --root C FILE...
    pyhanko_pdf.py archived --root C FILE...

Prints one JSON array: for each file the list of its signatures, in the order of the file; `bottom_line` is pyHanko's own word for "relied
on". `judge` takes the certificates and CRLs given, and a time-stamp in the message with them; `coverage` and `level` say what the
signature covers, and what pyHanko finds was done since: NONE, LTA_UPDATES, FORM_FILLING. `stored` does so with nothing but the root and
the document security store. `archived` judges by `ades_lta_validation` (EN 319 102-1, 5.6.3), likewise, without network: `oldest` is the
time that the chain of document time-stamps proves. It wants a time-stamp in the message too.
"""

import argparse
import asyncio
import json

from asn1crypto import pem
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

USAGES = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"})


def read(path):
    with open(path, "rb") as file:
        return file.read()


async def judge(signature, options):
    context = ValidationContext(
        trust_roots=[load_cert_from_pemder(options.root)],
        other_certs=[load_cert_from_pemder(path) for path in options.chain],
        crls=[pem.unarmor(read(path))[2] for path in options.crl],
        revocation_mode="require",
    )
    return await judge_with(signature, context)


async def stored(signature, options):
    store = DocumentSecurityStore.read_dss(signature.reader)
    settings = {"trust_roots": [load_cert_from_pemder(options.root)], "revocation_mode": "require"}
    return await judge_with(signature, store.as_validation_context({**settings, "allow_fetching": False}))


async def judge_with(signature, context):
    status = await async_validate_pdf_signature(
        signature, signer_validation_context=context, key_usage_settings=USAGES
    )
    stamp = status.timestamp_validity
    return {
        "bottom_line": status.bottom_line,
        "coverage": status.coverage.name,
        "level": status.modification_level and status.modification_level.name,
        "docmdp": status.docmdp_ok,
        "timestamp": stamp and stamp.intact and stamp.valid and stamp.trusted,
        "summary": status.summary(),
    }


async def archived(signature, options):
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[load_cert_from_pemder(options.root)]),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )
    specification = SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(),
        key_usage_settings=USAGES,
    )
    result = await ades_lta_validation(signature, PdfSignatureValidationSpec(specification))
    oldest = result.oldest_evidence_record_timestamp
    return {
        "bottom_line": bool(result.api_status and result.api_status.bottom_line),
        "indication": str(result.ades_subindic),
        "failure": result.failure_msg,
        "oldest": oldest and oldest.isoformat(),
    }


async def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for work in (judge, stored, archived):
        command = commands.add_parser(work.__name__)
        command.set_defaults(work=work)
        command.add_argument("--root", required=True)
        command.add_argument("--chain", action="append", default=[])
        command.add_argument("--crl", action="append", default=[])
        command.add_argument("files", nargs="+")
    options = parser.parse_args()
    answers = []
    for path in options.files:
        with open(path, "rb") as file:
            signatures = PdfFileReader(file).embedded_regular_signatures
            answers.append([await options.work(signature, options) for signature in signatures])
    print(json.dumps(answers))


asyncio.run(main())
