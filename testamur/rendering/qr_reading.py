"""What a QR code in a picture says."""

import io

import zxingcpp
from PIL import Image

from testamur.rendering.pictures import prepare_picture

# A photograph of a code has more pixels than finding it needs.
_SIDE_PX_MAX = 2000


def read_qr(picture: bytes) -> str | None:
    """The text of the QR code in a PNG, JPEG, WebP or GIF; None if there is none, or several that differ.

    Raises Invalid for what is no picture, or one that should not be decoded.
    """
    prepared = prepare_picture(picture)
    if prepared.media_type == "image/svg+xml":
        return None
    with Image.open(io.BytesIO(prepared.content)) as opened:
        opened.thumbnail((_SIDE_PX_MAX, _SIDE_PX_MAX))
        ground = Image.new("RGBA", opened.size, "white")
        # Dark on nothing is as good as dark on white.
        ground.alpha_composite(opened.convert("RGBA"))
    codes = zxingcpp.read_barcodes(ground.convert("L"), zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    found = {code.text for code in codes}
    return found.pop() if len(found) == 1 else None
