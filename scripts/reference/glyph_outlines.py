"""Writes lib/report/glyphs.ts: the outlines of the letters that charts are likely to contain, from DejaVu Sans.

    .venv/bin/pip install fonttools
    .venv/bin/python scripts/reference/glyph_outlines.py /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf

Coordinates are those of the font, with 2048 units per em and y pointing down, as in SVG.
"""

import argparse
from pathlib import Path

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parents[2] / 'lib' / 'report' / 'glyphs.ts'
CHARACTERS = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x100),
    *range(0x391, 0x3A2),
    *range(0x3A3, 0x3AA),
    *range(0x3B1, 0x3CA),
    *map(ord, '–—‘’“”•…′″←↑→↓↔∂∆∏∑−√∞≈≠≤≥⋅⟨⟩'),
]
HEAD = """// Long: one table, made by scripts/reference/glyph_outlines.py from DejaVu Sans. Do not edit it.
//
// Fonts are (c) Bitstream (see below). DejaVu changes are in public domain.
//
// Copyright (c) 2003 by Bitstream, Inc. All Rights Reserved. Bitstream Vera is a trademark of Bitstream, Inc.
//
// Permission is hereby granted, free of charge, to any person obtaining a copy of the fonts accompanying this license
// ("Fonts") and associated documentation files (the "Font Software"), to reproduce and distribute the Font Software,
// including without limitation the rights to use, copy, merge, publish, distribute, and/or sell copies of the Font
// Software, and to permit persons to whom the Font Software is furnished to do so, subject to the following
// conditions:
//
// The above copyright and trademark notices and this permission notice shall be included in all copies of one or more
// of the Font Software typefaces.
//
// The Font Software may be modified, altered, or added to, and in particular the designs of glyphs or characters in
// the Fonts may be modified and additional glyphs or characters may be added to the Fonts, only if the fonts are
// renamed to names not containing either the words "Bitstream" or the word "Vera".
//
// This License becomes null and void to the extent applicable to Fonts or Font Software that has been modified and is
// distributed under the "Bitstream Vera" names.
//
// The Font Software may be sold as part of a larger software package but no copy of one or more of the Font Software
// typefaces may be sold by itself.
//
// THE FONT SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
// TO ANY WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT OF COPYRIGHT, PATENT,
// TRADEMARK, OR OTHER RIGHT. IN NO EVENT SHALL BITSTREAM OR THE GNOME FOUNDATION BE LIABLE FOR ANY CLAIM, DAMAGES OR
// OTHER LIABILITY, INCLUDING ANY GENERAL, SPECIAL, INDIRECT, INCIDENTAL, OR CONSEQUENTIAL DAMAGES, WHETHER IN AN
// ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF THE USE OR INABILITY TO USE THE FONT SOFTWARE OR FROM
// OTHER DEALINGS IN THE FONT SOFTWARE.

/** The number of outline units per em. */
export const UNITS_PER_EM = 2048

/**
 * One line per letter: its code in hexadecimal, its advance width, and its outline as SVG path data relative to the
 * baseline. The first line, without a code, is for all other letters.
 */
export const GLYPHS = `
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('font', type=Path)
    font = TTFont(parser.parse_args().font)
    assert font['head'].unitsPerEm == 2048
    glyphs, names = font.getGlyphSet(), font.getBestCmap()

    def line(code, name):
        pen = SVGPathPen(glyphs, ntos=lambda value: str(round(value)))
        glyphs[name].draw(TransformPen(pen, (1, 0, 0, -1, 0, 0)))
        return f'{code} {glyphs[name].width} {pen.getCommands().replace(" -", "-")}'.rstrip()

    lines = [line('-', '.notdef'), *(line(f'{code:x}', names[code]) for code in CHARACTERS)]
    TARGET.write_text(HEAD + '\n'.join(lines) + '\n`\n', encoding='utf-8')
    print(f'{TARGET}: {len(lines)} letters, {TARGET.stat().st_size} bytes')


if __name__ == '__main__':
    main()
