import { equal, random } from "./test.js";
import { markdownBlocks } from "../../main/web/js/markdown.js";

function shown(text) {
  const element = document.createElement("div");
  for (const { render } of markdownBlocks(text)) element.append(render());
  return element;
}

const TAGS = new Set(("a annotation blockquote br button code div em figcaption figure h3 h4 h5 h6 hr li maction math menclose " +
  "merror mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder " +
  "munderover ol p path pre s semantics span strong svg table tbody td th thead tr ul").split(" "));
const ATTRIBUTES = /^(accent|accentunder|aria-[a-z]+|class|columnalign|d|depth|display|displaystyle|encoding|fence|height|href|largeop|linethickness|lspace|mathbackground|mathcolor|mathsize|mathvariant|maxsize|minsize|movablelimits|notation|rel|rspace|scriptlevel|separator|start|stretchy|symmetric|tabindex|target|title|type|viewBox|voffset|width)$/;

/** Throws where an element or attribute is not one of those above, or a link leads to a script. */
function checkSafe(element, source) {
  for (const each of element.querySelectorAll("*")) {
    if (!TAGS.has(each.localName)) throw new Error(`${each.localName} of ${JSON.stringify(source)}`);
    for (const { name, value } of each.attributes) {
      if (!ATTRIBUTES.test(name)) throw new Error(`${name}=${value} of ${JSON.stringify(source)}`);
      if (name === "href" && !/^(https?:|mailto:)/i.test(value)) throw new Error(`${value} of ${JSON.stringify(source)}`);
    }
  }
}

const PIECES = ["<script>alert(1)<\/script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<a href=javascript:alert(1)>", "javascript:alert(1)",
  "[a](javascript:alert(1))", "[a](JaVaScRiPt&#58;alert(1))", "[a](data:text/html,x)", "![a](x onerror=alert(1))", "![](https://e.example/i.png)",
  "[x]: javascript:alert(1)\n", "[x]", "<https://a.example>", "https://a.example/?q=%3Cscript%3E", "`", "```", "```html\n", "\n", "\n\n", "    ", "*", "**", "__", "~~", "> ", "- ", "1. ", "# ",
  "|", "|-|-|\n", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\href{javascript:alert(1)}{x}", "\\htmlStyle{color:red}{x}", "\\includegraphics{https://e.example/i.png}", "\\frac{1}{2}", "{", "}", "&lt;", "&#60;script&#62;", "\u0000", "\u202e", "床", "，", " ", "a"];

export const markdownTests = {
  "HTML of a model stays text"() {
    const element = shown("<script>alert(1)<\/script> <img src=x onerror=alert(1)>\n\n<b>bold</b>");
    equal(element.textContent, "<script>alert(1)<\/script> <img src=x onerror=alert(1)><b>bold</b>");
    equal(element.querySelectorAll("*").length, 2);
  },

  "no mixture of pieces makes an element that is not expected"() {
    const next = random(20261129);
    for (let i = 0; i < 3000; i++) {
      const source = Array.from({ length: 1 + Math.floor(next() * 14) }, () => PIECES[Math.floor(next() * PIECES.length)]).join("");
      checkSafe(shown(source), source);
    }
  },

  "links lead to the web or to mail alone, and say where"() {
    const [web, mail] = shown("[a](https://a.example/x) [b](mailto:b@b.example) [c](javascript:alert(1)) [d](file:///etc) [e](/v1/models)").querySelectorAll("a");
    equal([web.href, web.title, web.rel, web.target], ["https://a.example/x", "https://a.example/x", "noopener noreferrer", "_blank"]);
    equal(mail.href, "mailto:b@b.example");
    equal(shown("[c](javascript:alert(1)) [e](/v1/models)").querySelectorAll("a").length, 0);
  },

  "an image is a link, and is not fetched"() {
    const element = shown("![a cat](https://e.example/cat.png)");
    equal([element.querySelectorAll("img").length, element.querySelector("a").href, element.textContent.trim()], [0, "https://e.example/cat.png", "a cat"]);
  },

  "emphasis works beside Chinese punctuation"() {
    equal(shown("**注意：**请看").querySelector("strong")?.textContent, "注意：");
    equal(shown("这是**“引用”**吗").querySelector("strong")?.textContent, "“引用”");
    equal(shown("a_b_c 2*3*4 a**b").querySelectorAll("em, strong").length, 1); // 2*3*4 as in CommonMark
  },

  "headings stand below those of the page"() {
    equal([...shown("# a\n\n## b\n\n###### c").children].map(({ localName }) => localName), ["h3", "h4", "h6"]);
  },

  "code of a known language is coloured and keeps its text"() {
    const code = shown("```java\nint x = 1; // <b>\n```").querySelector("code");
    equal([code.textContent, code.querySelectorAll(".hl-comment").length], ["int x = 1; // <b>", 1]);
    equal(shown("```nonsense\na < b\n```").querySelector("code").innerHTML, "a &lt; b");
  },

  "the columns of a table are aligned"() {
    const cells = shown("|a|b|c|\n|:-|:-:|-:|\n|1|2|3|").querySelectorAll("td");
    equal([...cells].map((cell) => cell.className), ["align-left", "align-center", "align-right"]);
  },

  "a text that grows changes its last blocks alone, and ends like the text as a whole"() {
    const text = "# Title\n\nA **bold** line.\n\n- one\n- two\n\n```js\nlet a = 1;\n\nlet b;\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n$$x^2$$\n\nend";
    let before = [];
    for (let length = 1; length <= text.length; length++) {
      const blocks = markdownBlocks(text.slice(0, length)).map(({ source }) => source);
      const same = before.findIndex((source, i) => source !== blocks[i]);
      if (same >= 0 && same < before.length - 1) throw new Error(`at ${length} block ${same} of ${before.length} changed`);
      before = blocks;
    }
    equal(before, markdownBlocks(text).map(({ source }) => source));
  },
};
