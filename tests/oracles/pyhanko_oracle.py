"""pyHanko as an oracle: signs, or says what it thinks of a signature.

    pyhanko_oracle.py sign --key K --cert C [--chain C]... [--digest NAME] [--detached] [--cades] [--pss] [--tsa URL] --out FILE CONTENT
    pyhanko_oracle.py embedded --root C [--content FILE] SIGNATURE...
    pyhanko_oracle.py bench --root C --content FILE --seconds N SIGNATURE
    pyhanko_oracle.py verify --root C [--chain C]... [--crl FILE]... [--content FILE] [--signer N] SIGNATURE

`verify` prints one JSON object: `bottom_line` is pyHanko's own word for "relied on"; the rest says why. `timestamp` is the time that a
time-stamp proves, `timestamp_valid` whether it is intact and trusted. All files are PEM, signatures DER. pyHanko takes one signer:
`--signer` leaves the one of that number, from 0 on, in the message.

`sign --tsa` time-stamps the content, which is signed, and the signature.

`embedded` judges with nothing but the root and what is in the message: its certificates and CRLs, by `ades_with_time_validation` (EN
319 102-1, 5.5), without network. pyHanko knows no archive time-stamp of CMS (its `ades_lta_validation` is for PDF alone): the one in a
B-LTA message is passed over, and only the other token is judged. `bench` does that over and over, and prints the core time of one, in
seconds: of the whole judgement from octets.
"""

import argparse
import asyncio
import datetime
import hashlib
import json
import time
import urllib.request

import pyhanko.version
from asn1crypto import cms, pem, tsp
from pyhanko.keys import load_cert_from_pemder
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, SimpleSigner
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.ades import ades_with_time_validation
from pyhanko.sign.validation.generic_cms import (
    async_validate_cms_signature,
    async_validate_detached_cms,
    collect_timing_info,
)
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Authority(TimeStamper):
    """A time-stamping authority on this machine."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    async def async_request_tsa_response(self, req):
        headers = {"Content-Type": "application/timestamp-query"}
        with urllib.request.urlopen(urllib.request.Request(self.url, req.dump(), headers)) as answer:
            return tsp.TimeStampResp.load(answer.read())


async def sign(options):
    signer = SimpleSigner.load(
        options.key, options.cert, ca_chain_files=options.chain or None, prefer_pss=options.pss
    )
    attributes = PdfCMSSignedAttributes(
        signing_time=datetime.datetime.now(datetime.timezone.utc),
        cades_signed_attrs=CAdESSignedAttrSpec(timestamp_content=bool(options.tsa)) if options.cades else None,
    )
    message = await signer.async_sign_general_data(
        read(options.file),
        options.digest,
        detached=options.detached,
        use_cades=options.cades,
        timestamper=Authority(options.tsa) if options.tsa else None,
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


def specification(message, root):
    known = LocalKnowledge(
        known_certs=[one.chosen for one in message["certificates"] if one.name == "certificate"],
        known_crls=[CRLContainer(one.chosen) for one in message["crls"] if one.name == "crl"],
        known_ocsps=[],
    )
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[root]),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )
    return SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=known,
        key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}),
    )


async def judge_embedded(octets, root, content):
    message = cms.ContentInfo.load(octets, strict=True)["content"]
    name = message["signer_infos"][0]["digest_algorithm"]["algorithm"].native
    digest = content and hashlib.new(name, content).digest()
    return await ades_with_time_validation(message, specification(message, root), raw_digest=digest)


async def embedded(options):
    content = read(options.content) if options.content else None
    answers = []
    for path in options.files:
        result = await judge_embedded(read(path), load_cert_from_pemder(options.root), content)
        status = result.api_status
        answers.append(
            {
                "indication": str(result.ades_subindic),
                "failure": result.failure_msg,
                "bottom_line": status and status.bottom_line,
                "time": result.best_signature_time.isoformat(),
            }
        )
    print(json.dumps(answers))


async def bench(options):
    octets, content, root = read(options.file), read(options.content), load_cert_from_pemder(options.root)
    count, best, end = 0, float("inf"), time.monotonic() + options.seconds
    while count < 5 or time.monotonic() < end:
        started = time.thread_time()
        result = await judge_embedded(octets, root, content)
        best, count = min(best, time.thread_time() - started), count + 1
        assert result.ades_subindic == AdESPassed.OK and result.api_status.bottom_line, result
    print(json.dumps({"seconds": best, "count": count, "version": pyhanko.version.__version__}))


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    signing = commands.add_parser("sign")
    signing.set_defaults(run=sign)
    signing.add_argument("--key", required=True)
    signing.add_argument("--cert", required=True)
    signing.add_argument("--digest", default="sha256")
    signing.add_argument("--tsa")
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
    inside = commands.add_parser("embedded")
    inside.set_defaults(run=embedded)
    inside.add_argument("files", nargs="+")
    measuring = commands.add_parser("bench")
    measuring.set_defaults(run=bench)
    measuring.add_argument("--seconds", type=float, required=True)
    measuring.add_argument("file")
    for command in (inside, measuring):
        command.add_argument("--root", required=True)
        command.add_argument("--content")
    options = parser.parse_args()
    asyncio.run(options.run(options))


main()
