// MathML of today's browsers has no double-struck, script or fraktur style: those letters are characters of their own,
// in Unicode's block "Mathematical Alphanumeric Symbols" or, where they were there before it, in "Letterlike Symbols".

/** Where A, a, alpha's capital, alpha and 0 of a style begin. */
const STYLES = {
  "bold": { upper: 0x1d400, lower: 0x1d41a, greekUpper: 0x1d6a8, greekLower: 0x1d6c2, digit: 0x1d7ce },
  "italic": { upper: 0x1d434, lower: 0x1d44e, greekUpper: 0x1d6e2, greekLower: 0x1d6fc },
  "bold-italic": { upper: 0x1d468, lower: 0x1d482, greekUpper: 0x1d71c, greekLower: 0x1d736 },
  "script": { upper: 0x1d49c, lower: 0x1d4b6 },
  "bold-script": { upper: 0x1d4d0, lower: 0x1d4ea },
  "fraktur": { upper: 0x1d504, lower: 0x1d51e },
  "double-struck": { upper: 0x1d538, lower: 0x1d552, digit: 0x1d7d8 },
  "bold-fraktur": { upper: 0x1d56c, lower: 0x1d586 },
  "sans-serif": { upper: 0x1d5a0, lower: 0x1d5ba, digit: 0x1d7e2 },
  "bold-sans-serif": { upper: 0x1d5d4, lower: 0x1d5ee, greekUpper: 0x1d756, greekLower: 0x1d770, digit: 0x1d7ec },
  "sans-serif-italic": { upper: 0x1d608, lower: 0x1d622 },
  "sans-serif-bold-italic": { upper: 0x1d63c, lower: 0x1d656, greekUpper: 0x1d790, greekLower: 0x1d7aa },
  "monospace": { upper: 0x1d670, lower: 0x1d68a, digit: 0x1d7f6 },
};

const LETTERLIKE = {
  "italic": { h: "ℎ" },
  "script": { B: "ℬ", E: "ℰ", F: "ℱ", H: "ℋ", I: "ℐ", L: "ℒ", M: "ℳ", R: "ℛ", e: "ℯ", g: "ℊ", o: "ℴ" },
  "fraktur": { C: "ℭ", H: "ℌ", I: "ℑ", R: "ℜ", Z: "ℨ" },
  "double-struck": { C: "ℂ", H: "ℍ", N: "ℕ", P: "ℙ", Q: "ℚ", R: "ℝ", Z: "ℤ" },
};

const RANGES = [["A", "Z", "upper"], ["a", "z", "lower"], ["Α", "Ω", "greekUpper"], ["α", "ω", "greekLower"], ["0", "9", "digit"]];

/** The characters of a style; what it does not have stays as it is. */
export function styledLetters(text, style) {
  return [...text].map((character) => styledLetter(character, style)).join("");
}

function styledLetter(character, style) {
  const letterlike = LETTERLIKE[style]?.[character];
  if (letterlike) return letterlike;
  for (const [first, last, kind] of RANGES) {
    const begin = STYLES[style]?.[kind];
    if (begin && character >= first && character <= last) {
      return String.fromCodePoint(begin + character.codePointAt(0) - first.codePointAt(0));
    }
  }
  return character;
}
