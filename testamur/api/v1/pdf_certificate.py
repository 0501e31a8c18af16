from testamur.api.v1.operations import Call, Operation
from testamur.rendering.signing_identity import read_identity
from testamur.wire.v1.pdf_certificate import SetPdfCertificate, WirePdfCertificate, to_pdf_certificate
from testamur.workspaces.pdf_certificate import get_pdf_certificate, remove_pdf_certificate, set_pdf_certificate

_TAG = "Workspace"
_PATH = "/workspace/pdf-certificate"


def get(call: Call) -> WirePdfCertificate:
    with call.platform.database.read() as tx:
        return to_pdf_certificate(get_pdf_certificate(tx, call.workspace.id))


def set_(call: Call) -> WirePdfCertificate:
    body = call.body(SetPdfCertificate)
    identity = read_identity(body.pkcs12, body.password, at=call.at)
    with call.platform.database.write() as tx:
        certificate = set_pdf_certificate(
            tx, call.workspace.id, identity, master_key=call.platform.master_key, at=call.at
        )
        call.record(tx)
    return to_pdf_certificate(certificate)


def remove(call: Call) -> None:
    with call.platform.database.write() as tx:
        remove_pdf_certificate(tx, call.workspace.id)
        call.record(tx)


OPERATIONS = [
    Operation(
        method="GET",
        path=_PATH,
        name="getPdfCertificate",
        summary="Get the certificate that PDFs are signed with",
        tag=_TAG,
        run=get,
        answer=WirePdfCertificate,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path=_PATH,
        name="setPdfCertificate",
        action="pdf_certificate.set",
        summary="Set the certificate that PDFs are signed with",
        description="It takes the place of the one before; what that one signed stays valid. The key is kept encrypted.",
        tag=_TAG,
        run=set_,
        body=SetPdfCertificate,
        answer=WirePdfCertificate,
        is_extension=True,
        is_long=True,
    ),
    Operation(
        method="DELETE",
        path=_PATH,
        name="removePdfCertificate",
        action="pdf_certificate.removed",
        summary="Remove the certificate that PDFs are signed with",
        tag=_TAG,
        run=remove,
        status=204,
        errors=(404,),
        is_extension=True,
    ),
]
