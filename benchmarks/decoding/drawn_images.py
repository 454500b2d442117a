"""Images of nine kinds and a few sizes, drawn or computed from a seed, in colour."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.serving.bodies import draw as draw_digit
from models.arrays import FloatArray

Generator = np.random.Generator
WORDS = "neural units learn exact arithmetic and keep it far beyond the range on which they were trained 0123456789"


def draw(kind: str, width: int, height: int, seed: int) -> Image.Image:
    """An image.

    Args:
        kind: one of ``KINDS``.
        width: in pixels.
        height: in pixels.
        seed: of all that is random in it.
    """
    return KINDS[kind](width, height, np.random.default_rng([seed, width, height, *kind.encode()]))


def noise(width: int, height: int, random: Generator) -> Image.Image:
    """Independent noise in every pixel and colour around one colour."""
    spread = random.choice([12, 40, 90])
    return _image(random.uniform(60, 200, 3) + random.normal(0, spread, (height, width, 3)))


def gradient(width: int, height: int, random: Generator) -> Image.Image:
    """One colour that becomes another across the image, and some slow waves."""
    x, y = np.linspace(0, 1, width)[None, :, None], np.linspace(0, 1, height)[:, None, None]
    start, end = random.uniform(0, 255, (2, 3))
    angle, waves = random.uniform(0, np.pi / 2), random.uniform(0, 3)
    share = (x * np.cos(angle) + y * np.sin(angle)) / (np.cos(angle) + np.sin(angle))
    return _image(start + (end - start) * share + 20 * np.sin(2 * np.pi * waves * (x + y)))


def edges(width: int, height: int, random: Generator) -> Image.Image:
    """Stripes and checks of full contrast, down to a pixel wide, and turned."""
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    angle, period = random.uniform(0, np.pi), random.choice([2, 5, 17, 60]) * random.uniform(1, 1.5)
    stripes = ((x * np.cos(angle) + y * np.sin(angle)) / period) % 1 < 0.5
    if random.random() < 0.5:
        stripes = stripes ^ (((y * np.cos(angle) - x * np.sin(angle)) / period) % 1 < 0.5)
    first, second = random.choice([0, 255], 3), random.uniform(0, 255, 3)
    return _image(np.where(stripes[..., None], first, second))


def text(width: int, height: int, random: Generator) -> Image.Image:
    """Lines of words of one size, dark on light or light on dark."""
    dark, light = random.uniform(0, 60, 3), random.uniform(190, 255, 3)
    back, front = (dark, light) if random.random() < 0.3 else (light, dark)
    image = Image.new("RGB", (width, height), _colour(back))
    _write(ImageDraw.Draw(image), (0, 0, width, height), _colour(front), height / random.uniform(4, 30), random)
    return image


def photograph(width: int, height: int, random: Generator) -> Image.Image:
    """A scene of lit bodies with textures of all scales, out of focus in parts, with the noise of a sensor."""
    scene = random.uniform(40, 200, 3) + 45 * _texture(width, height, random)[..., None] * random.uniform(0.4, 1, 3)
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    for _ in range(random.integers(3, 9)):
        at, radius = random.uniform(0, 1, 2) * (width, height), random.uniform(0.05, 0.35) * min(width, height)
        distance = np.hypot((x - at[0]) / random.uniform(0.5, 1.5), y - at[1]) / radius
        light = 0.45 + 0.55 * np.clip((x - at[0]) / radius * 0.5 + 0.5, 0, 1)
        cover = np.clip((1 - distance) * radius / random.uniform(1, 12), 0, 1)[..., None]
        scene = scene * (1 - cover) + cover * light[..., None] * random.uniform(20, 255, 3)
    return _image(scene * random.uniform(0.5, 1.2) + random.normal(0, random.uniform(1, 9), (height, width, 1)))


def scan(width: int, height: int, random: Generator) -> Image.Image:
    """A page of text on paper with a fold and the shadow of the binding, not quite straight."""
    page = Image.new("RGB", (width, height), (250, 248, 240))
    box = (width * 0.1, height * 0.08, width * 0.9, height * 0.92)
    _write(ImageDraw.Draw(page), box, (35, 33, 40), height / random.uniform(20, 50), random)
    turned = page.rotate(random.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor=(250, 248, 240))
    x = np.linspace(0, 1, width)[None, :, None]
    shadow = 1 - 0.35 * np.exp(-x / 0.08) - 0.08 * np.exp(-(((x - random.uniform(0.3, 0.7)) / 0.004) ** 2))
    return _image(np.asarray(turned) * shadow + random.normal(0, 3, (height, width, 1)))


def drawing(width: int, height: int, random: Generator) -> Image.Image:
    """A digit or other strokes by a wide pen on one colour, as people photograph or draw them."""
    light = random.random() < 0.5
    back = random.uniform(200, 255, 3) if light else random.uniform(0, 50, 3)
    image = Image.new("RGB", (width, height), _colour(back))
    pen, side = ImageDraw.Draw(image), min(width, height)
    ink = _colour(random.uniform(0, 90, 3) if light else random.uniform(170, 255, 3))
    centre = np.array((width, height)) / 2
    for _ in range(random.integers(1, 4)):
        turns = np.cumsum(random.normal(0, 0.5, 24)) + random.uniform(0, 2 * np.pi)
        path = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1), 0) * side / 24
        path += centre - path.mean(0) + random.normal(0, side / 20, 2)
        pen.line([(float(x), float(y)) for x, y in path], ink, max(1, round(side / random.uniform(8, 25))), "curve")
    return image.filter(ImageFilter.GaussianBlur(side / 200)) if random.random() < 0.5 else image


def digit(width: int, height: int, random: Generator) -> Image.Image:
    """A photograph of a digit, turned, out of focus, in uneven light, of any contrast and noise."""
    turned = draw_digit(int(random.integers(4)), width, height).rotate(random.uniform(-25, 25))
    strokes = np.asarray(turned.filter(ImageFilter.GaussianBlur(height / 200 * random.uniform(0, 3))), float) / 255
    ends = random.uniform(0, 255, 2)
    light = 1 + random.uniform(0, 0.3) * np.linspace(-1, 1, width)[None, :]
    shades = (ends[0] + (ends[1] - ends[0]) * strokes) * light
    grain = random.normal(0, random.uniform(0, 40), (height, width, 3))
    return _image(shades[..., None] * random.uniform(0.7, 1.1, 3) + grain)


def screenshot(width: int, height: int, random: Generator) -> Image.Image:
    """Flat panels, thin borders, buttons and small text."""
    image = Image.new("RGB", (width, height), _colour(random.uniform(225, 250, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(random.integers(4, 12)):
        left, top = random.uniform(-0.1, 0.8, 2) * (width, height)
        right, bottom = (left, top) + random.uniform(0.1, 0.6, 2) * (width, height)
        fill = random.uniform(0, 255, 3)
        pen.rectangle((left, top, right, bottom), _colour(fill), _colour(fill * 0.6))
        ink = (0, 0, 0) if fill.mean() > 120 else (255, 255, 255)
        _write(pen, (left + 4, top + 4, right - 4, bottom - 4), ink, random.uniform(8, 18), random)
    return image


KINDS: dict[str, Callable[[int, int, Generator], Image.Image]] = {
    made.__name__: made for made in (noise, gradient, edges, text, photograph, scan, drawing, digit, screenshot)
}
"""Each draws an image of one kind, of a width and a height, by a random generator."""


def _image(values: FloatArray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _colour(values: FloatArray | tuple[int, ...]) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def _texture(width: int, height: int, random: Generator) -> FloatArray:
    """Noise whose amplitude falls with its frequency, as in photographs of nature; of unit variance."""
    across, down = np.fft.rfftfreq(width)[None, :], np.fft.fftfreq(height)[:, None]
    frequency = np.hypot(across, down)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.normal(size=(height, width))) / frequency
    found = np.fft.irfft2(spectrum, (height, width))
    return np.asarray(found / found.std())


def _write(
    pen: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    ink: tuple[int, int, int],
    size: float,
    random: Generator,
) -> None:
    """Fill a box with lines of words, of a height in pixels."""
    left, top, right, bottom = box
    font = ImageFont.load_default(max(6, size))
    words = WORDS.split()
    while top + size < bottom:
        line = ""
        while pen.textlength(line, font) < right - left:
            line += f"{words[random.integers(len(words))]} "
        pen.text((left, top), line.rsplit(maxsplit=1)[0], ink, font)
        top += 1.5 * size
