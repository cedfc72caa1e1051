"""Write what this Python knows of each character, for the text operators of the serving side.

Python's ``\\w``, ``lower()`` and accents follow the Unicode version of the interpreter, and an engine of JavaScript follows another one.
What differs is characters that one of the two doesn't know. So ``preprocessing/text/unicode-tables.ts`` holds, for the oldest version,
which characters are assigned, and which of them are word characters, decimal digits and combining; and for each later one, what it added.
``test/parity/unicode.json`` holds hashes of what each Python makes of every character, which the tests compute again on both sides.

In the folder ``trainer``: ``python parity_unicode.py`` compares, and ``python parity_unicode.py --write`` writes the part of the Python
that runs it; oldest first, once per version. Nothing but Python itself is needed.
"""

import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
HASHES = PROJECT / "test" / "parity" / "unicode.json"
TABLES = PROJECT / "preprocessing" / "text" / "unicode-tables.ts"
HEADER = """/**
 * What versions of Unicode say of characters, as Python sees them. Written by trainer/parity_unicode.py.
 *
 * Ranges are pairs of numbers to the base of 36: how far after the last range one begins, and how much further it ends.
 * Each version lists what it adds to the one before.
 */
export const unicodeTables = """
LATEST = 0x10FFFF


def is_word(character):
    return re.match(r"\w", character) is not None


def is_digit(character):
    return re.match(r"\d", character) is not None


def is_assigned(character):
    return unicodedata.category(character) != "Cn"


def is_combining(character):
    return unicodedata.combining(character) != 0


PROPERTIES = {"assigned": is_assigned, "words": is_word, "digits": is_digit, "combining": is_combining}


def ranges_of(codes):
    """Return sorted code points as ranges, in the form that the tables have."""
    ranges = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    parts, last = [], 0
    for first, end in ranges:
        parts += [base36(first - last), base36(end - first)]
        last = end
    return " ".join(parts)


def codes_of(text):
    """Return the code points of ranges."""
    numbers = [int(part, 36) for part in text.split()]
    codes, last = set(), 0
    for distance, length in zip(numbers[::2], numbers[1::2], strict=True):
        codes.update(range(last + distance, last + distance + length + 1))
        last += distance + length
    return codes


def base36(number):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number] if number < 36 else base36(number // 36) + digits[number % 36]


def without_accents(text):
    """Return what scikit-learn's ``strip_accents="unicode"`` makes of a text."""
    return "".join(character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character))


def is_final(text):
    """Tell whether the sigma in a text becomes the form at a word's end."""
    return "ς" in text.lower()


def told(code):
    """Return all that the text operators can see of a character, as a line."""
    character = chr(code)
    flags = [is_word(character), is_digit(character), is_final(f"a{character}Σ"), is_final(f"{character}Σ"), is_final(f"aΣ{character}")]
    return f"{code:x} {''.join(str(int(flag)) for flag in flags)} {character.lower()} {without_accents(character)}\n"


def plane_hashes():
    """Return a hash per 65,536 characters; halves of surrogate pairs are left out."""
    hashes = []
    for plane in range(0, LATEST + 1, 0x10000):
        lines = [told(code) for code in range(plane, plane + 0x10000) if not 0xD800 <= code <= 0xDFFF]
        hashes.append(hashlib.sha256("".join(lines).encode()).hexdigest()[:12])
    return " ".join(hashes)


def table(before):
    """Return what this Python's version of Unicode adds to the versions before, and what it takes from them, which must be nothing."""
    added = {}
    for name, holds in PROPERTIES.items():
        known = set().union(*(codes_of(older[name]) for older in before))
        now = {code for code in range(LATEST + 1) if holds(chr(code))}
        if known - now:
            raise SystemExit(f"{name}: {len(known - now)} characters of an older version are no longer among them")
        added[name] = ranges_of(sorted(now - known))
    return added


def read_tables():
    """Return the committed tables by version, oldest first."""
    if not TABLES.exists():
        return {}
    source = TABLES.read_text(encoding="utf-8").removeprefix(HEADER).removesuffix(" as const;\n")
    return json.loads(re.sub(r",(\s*})", r"\1", re.sub(r"^(\s*)(\w+):", r'\1"\2":', source, flags=re.MULTILINE)))


def write(version, tables, hashes):
    """Write this Python's part."""
    older = {name: parts for name, parts in tables.items() if name < version}
    newer = {name: parts for name, parts in tables.items() if name > version}
    tables = older | {version: table(list(older.values()))} | newer
    lines = ["{"]
    for name, parts in tables.items():
        lines.append(f'  "{name}": {{')
        for key, ranges in parts.items():
            separator = "\n      " if len(key) + len(ranges) > 111 else " "
            lines.append(f'    {key}:{separator}"{ranges}",')
        lines.append("  },")
    TABLES.write_text(HEADER + "\n".join([*lines, "}"]) + " as const;\n", encoding="utf-8")
    hashes = dict(sorted((hashes | {version: plane_hashes()}).items()))
    HASHES.write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")


def main():
    """Write, or compare: 0 where the files hold what this Python knows."""
    version = unicodedata.unidata_version
    tables = read_tables()
    hashes = json.loads(HASHES.read_text(encoding="utf-8")) if HASHES.exists() else {}
    if "--write" in sys.argv[1:]:
        write(version, tables, hashes)
        return 0
    if version not in hashes:
        print(f"Unicode {version} is not among {', '.join(hashes)}")
        return 0
    before = [parts for name, parts in tables.items() if name < version]
    same = hashes[version] == plane_hashes() and tables[version] == table(before)
    print(f"Unicode {version}: {'as committed' if same else 'differs from what is committed'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
