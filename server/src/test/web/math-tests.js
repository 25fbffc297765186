import { equal } from "./test.js";
import { markdownBlocks } from "../../main/web/js/markdown.js";
import { mathElement } from "../../main/web/js/math.js";
import { styledLetters } from "../../main/web/js/letters.js";

function shown(text) {
  const element = document.createElement("div");
  for (const { render } of markdownBlocks(text)) element.append(render());
  return element;
}

const tex = (element) => [...element.querySelectorAll("annotation")].map(({ textContent }) => textContent);

export const mathTests = {
  "formulas are found in all four forms"() {
    equal(tex(shown("a $x^2$ b \\(y\\) c $$z$$ d \\[w\\]")), ["x^2", "y", "z", "w"]);
    equal(tex(shown("$$\na\n+b\n$$\n\n\\[\nc\n\\]")), ["\na\n+b\n", "\nc\n"]);
    equal(tex(shown("- $a$\n\n|x|\n|-|\n|$b$|")), ["a", "b"]);
  },

  "prices, code and escaped dollars are no formulas"() {
    equal(tex(shown("costs $5 and $6, `$x$`, \\$a$, $ b $\n\n```\n$c$\n```")), []);
  },

  "a formula that TeX refuses is shown as it was written"() {
    const element = shown("$\\nosuch{x}$").querySelector(".math-error");
    equal([element.textContent, element.title.includes("nosuch")], ["\\nosuch{x}", true]);
  },

  "a formula makes no link, image or style"() {
    for (const source of ["\\href{javascript:alert(1)}{x}", "\\url{https://a.example}", "\\includegraphics{https://a.example/i.png}", "\\htmlId{a}{x}", "\\pmb{x}", "\\fcolorbox{red}{blue}{x}"]) {
      const element = document.createElement("div");
      element.append(mathElement(source, true));
      equal(element.querySelectorAll("[href], [src], [style], [id], img, a").length, 0);
    }
  },

  "a formula of macros that never end is refused"() {
    equal(mathElement("\\def\\a{\\a\\a}\\a", false).className, "math-error");
  },

  "double-struck, script, fraktur and bold letters are characters"() {
    equal(styledLetters("RNx1", "double-struck"), "ℝℕ𝕩𝟙");
    equal(styledLetters("LBa", "script"), "ℒℬ𝒶");
    equal(styledLetters("Hg", "fraktur"), "ℌ𝔤");
    equal(styledLetters("xΩω9,", "bold"), "𝐱𝛀𝛚𝟗,");
    equal(mathElement("\\mathbb{R}", false).querySelector("mi").textContent, "ℝ");
  },

  "an operator is set off from what it stands beside"() {
    const names = [...mathElement("n\\log n", false).querySelector("mrow").children].map(({ localName }) => localName);
    equal(names, ["mi", "mspace", "mi", "mo", "mspace", "mi"]);
    equal([...mathElement("\\sin(x)", false).querySelectorAll("mspace")].length, 0);
  },

  "columns of aligned equations meet at the sign"() {
    const cells = mathElement("\\begin{aligned}a&=b\\end{aligned}", true).querySelectorAll("mtd");
    equal([...cells].map(({ className }) => className), ["align-right", "align-left"]);
  },
};
