"""The designs of the gallery with renderers of their own, and values that are hard on them."""

import io
from functools import cache

import pypdfium2
from PIL import Image

from testamur.designs.gallery import gallery_design
from testamur.rendering.document import parse_document
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES

COURSE = "Advanced Studies in International Financial Regulation and Compliance"
VALUES = {
    "sample": SAMPLE_VALUES,
    "short": {**SAMPLE_VALUES, "recipient.name": "Ai", "group.name": "Go", "issuer.name": "Um"},
    "long": {
        **SAMPLE_VALUES,
        "recipient.name": "Maximiliana Konstantinopolitanskaya-Featherstonehaugh von Hohenzollern",
        "group.name": COURSE,
        "course.name": COURSE,
        "issuer.name": "Meridian Institute for Continuing Professional Education",
    },
    "arabic": {
        **SAMPLE_VALUES,
        "recipient.name": "محمد عبد الرحمن بن خالد الفارسي",
        "group.name": "أساسيات الأسواق المالية",
        "issuer.name": "معهد ميريديان",
    },
    "devanagari": {
        **SAMPLE_VALUES,
        "recipient.name": "अनन्या शर्मा",
        "group.name": "वित्तीय बाज़ारों का परिचय",
        "issuer.name": "मेरिडियन संस्थान",
    },
    "japanese": {
        **SAMPLE_VALUES,
        "recipient.name": "山田 花子",
        "group.name": "金融市場の基礎講座",
        "issuer.name": "メリディアン学院",
    },
}


@cache
def gallery_renderer(name):
    definition = gallery_design(name).definition
    return Renderer(parse_document(definition.document), definition)


def on_white(png):
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return ground.convert("RGB")


def words_of(pdf):
    document = pypdfium2.PdfDocument(pdf)
    try:
        return " ".join(document[0].get_textpage().get_text_bounded().split())
    finally:
        document.close()
