// CommonMark lets ** open or close emphasis by the spaces and punctuation beside it. Chinese has no spaces between words,
// so "**注意：**请看" would keep its asterisks: a mark between punctuation and a Han character neither opens nor closes.
// Here a Han, Kana or Hangul character beside a mark counts as a space does.

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;

export function cjkEmphasis(parser) {
  const State = parser.inline.State;
  const scanDelims = State.prototype.scanDelims;
  const { isWhiteSpace, isPunctChar, isMdAsciiPunct } = parser.utils;
  const isPunctuation = (character) => isPunctChar(character) || isMdAsciiPunct(character.codePointAt(0));

  State.prototype.scanDelims = function (start, canSplitWord) {
    const scanned = scanDelims.call(this, start, canSplitWord);
    const before = lastCharacter(this.src.slice(Math.max(0, start - 2), start));
    const after = firstCharacter(this.src.slice(start + scanned.length, start + scanned.length + 2));
    if (!canSplitWord || (!CJK.test(before) && !CJK.test(after))) return scanned;
    const space = { before: isWhiteSpace(before.codePointAt(0)), after: isWhiteSpace(after.codePointAt(0)) };
    const free = { before: space.before || CJK.test(before) || isPunctuation(before), after: space.after || CJK.test(after) || isPunctuation(after) };
    return {
      ...scanned,
      can_open: !space.after && (!isPunctuation(after) || free.before),
      can_close: !space.before && (!isPunctuation(before) || free.after),
    };
  };
}

function lastCharacter(text) {
  return [...text].at(-1) ?? " ";
}

function firstCharacter(text) {
  return [...text][0] ?? " ";
}
