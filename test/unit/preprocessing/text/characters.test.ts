/** Goal: characters that the training Python didn't know stay as they are, and part what stands beside them. */
import { describe, expect, it } from "vitest";
import { charactersOf } from "../../../../preprocessing/text/characters.js";

const older = charactersOf("14.0.0");
const later = charactersOf("15.0.0");
/** A letter and a combining mark, both of Unicode 15.0 (their like of a lower case came with 16.0). */
const letter = "\u{1e4d0}";
const mark = "\u{1e4ec}";
const capital = "\u1c89";

describe("characters", () => {
  it("are those of the version", () => {
    expect([older.isWord(0x1e4d0), later.isWord(0x1e4d0)]).toEqual([false, true]);
    expect(older.isWord(0x41)).toBe(true);
  });

  it("have no lower case where they are unknown, and all others have", () => {
    expect(older.lower(`É${capital}É`)).toBe(`é${capital}é`);
    expect(older.lower("İΑΣ")).toBe("i̇ας");
  });

  it("end a word for the sigma before them", () => {
    expect(older.lower(`ΑΣ${letter}Α`)).toBe(`ας${letter}α`);
    expect(later.lower(`ΑΣ${mark}Α`)).toBe(`ασ${mark}α`);
  });

  it("keep marks that are unknown, in their place", () => {
    expect(older.stripAccents(`é${mark}é`)).toBe(`e${mark}e`);
    expect(later.stripAccents(`é${mark}é`)).toBe("ee");
    expect(older.asciiOnly(`ﬁ${mark}é${letter}`)).toBe("fie");
  });

  it("may be half of a surrogate pair", () => {
    expect(older.lower("É\ud83dÉ")).toBe("é\ud83dé");
    expect(older.stripAccents("é\udc00é")).toBe("e\udc00e");
  });
});
