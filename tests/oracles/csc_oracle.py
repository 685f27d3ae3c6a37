"""pyHanko's client of the Cloud Signature Consortium has a PDF signed by a service of antin, over mutual TLS.

    csc_oracle.py BASE-URL CA CERTIFICATE KEY CLIENT CREDENTIAL IN OUT
"""

import asyncio
import io
import ssl
import sys

import aiohttp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers import csc_signer


async def main():
    base, authority, certificate, key, client, credential, source, out = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        form = {"grant_type": "client_credentials", "client_id": client}
        async with session.post(f"{base}/oauth2/token", data=form, raise_for_status=True) as answer:
            token = (await answer.json())["access_token"]
        about = csc_signer.CSCServiceSessionInfo(service_url=base, credential_id=credential, oauth_token=token)
        held = await csc_signer.fetch_certs_in_csc_credential(session, about)
        implicit = csc_signer.CSCAuthorizationInfo(sad="implicit")
        manager = csc_signer.PrefetchedSADAuthorizationManager(about, held, implicit)
        metadata = signers.PdfSignatureMetadata(
            field_name="Remote", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )
        signer = signers.PdfSigner(metadata, signer=csc_signer.CSCSigner(session, manager))
        with open(source, "rb") as file:
            writer = IncrementalPdfFileWriter(io.BytesIO(file.read()))
        signed = await signer.async_sign_pdf(writer)
        with open(out, "wb") as file:
            file.write(signed.getvalue())


asyncio.run(main())
