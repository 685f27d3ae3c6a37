"""pyHanko signs a PDF, over and over: each of its signatures is an incremental update.

    pyhanko_sign_pdf.py --key K --cert C --chain C --root C --crl FILE... [--tsa URL] --out FILE HOW... FILE

HOW, for each signature in turn: `adbe`, `pades`, `visible`, `certified` (P=2), `stamped` (PAdES-T), `long-term`, `archived` (with the
evidence in the document security store).
"""

import argparse
import asyncio
import io

from asn1crypto import pem
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.ades.api import CAdESSignedAttrSpec  # noqa: F401 (fails here where pyHanko is too old)
from pyhanko_certvalidator import ValidationContext


def read(path):
    with open(path, "rb") as file:
        return file.read()


async def sign(document, how, place, options):
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    signer = signers.SimpleSigner.load(options.key, options.cert, ca_chain_files=options.chain)
    name = f"Theirs{place}"
    # Side by side, where the paper is empty.
    box = (60 + 240 * place, 60, 260 + 240 * place, 130) if how == "visible" else None
    wants_stamp = how in ("stamped", "long-term", "archived")
    context = ValidationContext(
        trust_roots=[load_cert_from_pemder(options.root)],
        other_certs=[load_cert_from_pemder(path) for path in options.chain],
        crls=[pem.unarmor(read(path))[2] for path in options.crl],
        allow_fetching=False,
    )
    is_long = how in ("long-term", "archived")
    metadata = signers.PdfSignatureMetadata(
        field_name=name,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED if how == "adbe" else fields.SigSeedSubFilter.PADES,
        certify=how == "certified",
        docmdp_permissions=fields.MDPPerm.FILL_FORMS,
        embed_validation_info=is_long,
        validation_context=context if is_long else None,
        use_pades_lta=how == "archived",
    )
    output = await signers.PdfSigner(
        metadata,
        signer=signer,
        timestamper=timestamps.HTTPTimeStamper(options.tsa) if wants_stamp else None,
        new_field_spec=fields.SigFieldSpec(name, box=box) if box else None,
    ).async_sign_pdf(writer)
    return output.getvalue()


async def main():
    parser = argparse.ArgumentParser()
    for option in ("--key", "--cert", "--root", "--out"):
        parser.add_argument(option, required=True)
    parser.add_argument("--tsa")
    for option in ("--chain", "--crl"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("how", nargs="+")
    options = parser.parse_args()
    *ways, path = options.how
    document = read(path)
    for place, how in enumerate(ways):
        document = await sign(document, how, place, options)
    with open(options.out, "wb") as file:
        file.write(document)


asyncio.run(main())
