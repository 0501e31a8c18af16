"""The colours of an issuer's pages, made of the one that it chose so that text stays readable in both themes."""

from colorsys import hls_to_rgb, rgb_to_hls

# WCAG 2.2, success criterion 1.4.3.
CONTRAST_MIN = 4.5
# The grounds that text and buttons stand on: tokens.css.
LIGHT_GROUND, DARK_GROUND = "#f6f4ee", "#161e33"
LIGHT_TEXT, DARK_TEXT = "#ffffff", "#14213d"
# On any colour either this or white has the contrast; the softer dark text alone leaves a gap in the middle.
DARKEST_TEXT = "#000000"


def brand_css(color: str) -> str:
    """A style sheet that sets the accent and the colour of buttons; `color` is #rrggbb."""
    light, dark = readable(color, LIGHT_GROUND), readable(color, DARK_GROUND)
    return (
        ":root {"
        f" --accent: light-dark({light}, {dark});"
        f" --action: light-dark({light}, {dark});"
        f" --action-over: color-mix(in srgb, light-dark({light}, {dark}) 85%, var(--ink));"
        f" --on-action: light-dark({_text_on(light)}, {_text_on(dark)});"
        " }\n"
    )


def readable(color: str, ground: str) -> str:
    """The colour, made darker or lighter until it can be read on that ground."""
    hue, lightness, saturation = rgb_to_hls(*_parts(color))
    step = -0.02 if luminance(ground) > 0.5 else 0.02
    while contrast(_hex(hue, lightness, saturation), ground) < CONTRAST_MIN and 0 < lightness + step < 1:
        lightness += step
    return _hex(hue, lightness, saturation)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2: 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """The relative luminance of WCAG 2.2: 0 to 1."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _text_on(ground: str) -> str:
    wanted = max(LIGHT_TEXT, DARK_TEXT, key=lambda text: contrast(text, ground))
    return wanted if contrast(wanted, ground) >= CONTRAST_MIN else DARKEST_TEXT


def _parts(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in hls_to_rgb(hue, lightness, saturation))
