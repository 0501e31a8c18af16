"""What a signature costs beside the rendering that it follows, and beside pyHanko used as its documentation shows."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.signers import sign_pdf as pyhanko_sign_pdf

from benchmarks.report import Report, Target
from testamur.designs.starters import read_starter
from testamur.rendering.pdf_signing import sign_pdf
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.signing_identity import SigningIdentity, SigningKey

AT = datetime(2026, 11, 24, tzinfo=UTC)


class _NoAssets:
    def read(self, digest: str) -> bytes:
        raise FileNotFoundError(digest)


def measure(*, quick: bool) -> Report:
    # pyHanko starts an event loop, which a thread has no room for that has driven a browser before.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_measure, quick=quick).result()


def _measure(*, quick: bool) -> Report:
    rounds, count = (1, 5) if quick else (5, 20)
    renderer = Renderer(read_starter("certificate").document, _NoAssets())

    def render(number: int) -> bytes:
        return renderer.pdf({**SAMPLE_VALUES, "recipient.name": f"Ada {number}"}, title="Course", at=AT)

    pdf = render(0)
    rsa_identity = _identity(rsa.generate_private_key(65537, 2048))
    ec_identity = _identity(ec.generate_private_key(ec.SECP256R1()))
    wanted: dict[str, Callable[[int], object]] = {
        "rendering the certificate": render,
        "signing it, EC P-256": lambda _: sign_pdf(pdf, ec_identity, at=AT),
        "signing it, RSA 2048": lambda _: sign_pdf(pdf, rsa_identity, at=AT),
        "pyHanko alone, EC P-256": _pyhanko(pdf, ec_identity),
        "pyHanko alone, RSA 2048": _pyhanko(pdf, rsa_identity),
    }
    times: dict[str, list[float]] = {name: [] for name in wanted}
    for work in wanted.values():
        work(0)
    for round_ in range(rounds):
        for name, work in wanted.items():
            began = time.perf_counter()
            for number in range(count):
                work(round_ * count + number + 1)
            times[name].append((time.perf_counter() - began) / count)
    rendering = times["rendering the certificate"]
    shares = {
        name: median(part / whole for part, whole in zip(found, rendering, strict=True))
        for name, found in times.items()
    }
    return Report(
        name="sign",
        title="A signature on a PDF",
        headings=("work", "ms", "of a rendering"),
        rows=[(name, f"{median(found) * 1000:.1f}", f"{shares[name]:.2f} x") for name, found in times.items()],
        targets=[
            Target(name="of a rendering, EC P-256", measured=shares["signing it, EC P-256"], at_most=1),
            Target(name="of a rendering, RSA 2048", measured=shares["signing it, RSA 2048"], at_most=1),
        ],
    )


def _identity(key: SigningKey) -> SigningIdentity:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Meridian Institute")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(AT).not_valid_after(AT + timedelta(days=365))
    return SigningIdentity(key, builder.sign(key, hashes.SHA256()), ())


def _pyhanko(content: bytes, identity: SigningIdentity) -> Callable[[int], object]:
    file = pkcs12.serialize_key_and_certificates(None, identity.key, identity.certificate, None, NoEncryption())
    signer = SimpleSigner.load_pkcs12_data(file, other_certs=[])
    wanted = PdfSignatureMetadata(
        field_name="Signature",
        certify=True,
        subfilter=SigSeedSubFilter.PADES,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    return lambda _: pyhanko_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(content)), wanted, signer)
