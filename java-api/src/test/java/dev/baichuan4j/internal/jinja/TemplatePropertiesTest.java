package dev.baichuan4j.internal.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Any text is a template that writes something, or an exception of this package's. */
class TemplatePropertiesTest {
  private static final List<String> FEATURES = features();
  private static final Map<String, Object> VARIABLES = variables();

  private static final String[] PARTS = {
    "{%",
    "%}",
    "{{",
    "}}",
    "{#",
    "#}",
    "-",
    "+",
    " ",
    "\n",
    "if",
    "else",
    "elif",
    "endif",
    "for",
    "in",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "filter",
    "with",
    "raw",
    "endraw",
    "generation",
    "is",
    "not",
    "and",
    "or",
    "none",
    "true",
    "messages",
    "map",
    "numbers",
    "loop",
    "range",
    "namespace",
    "f",
    "x",
    "s",
    "|",
    ".",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    "=",
    "==",
    "~",
    "*",
    "/",
    "%",
    "'a'",
    "\"",
    "1",
    "2.5",
    "0",
    "join",
    "tojson",
    "length",
    "split",
    "defined",
    "items",
    "format",
    "'{}'",
    "'%s'",
    "int",
    "sort",
    "🙂",
    "\\",
    "'\\u00e9'"
  };

  private static List<String> features() {
    try {
      List<String> templates = new ArrayList<>();
      Json.read("features.json")
          .get("cases")
          .forEach(c -> templates.add(c.get("template").asText()));
      return templates;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Map<String, Object> variables() {
    try {
      return Json.variables(Json.read("features.json").get("variables"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Provide
  Arbitrary<String> assembled() {
    return Arbitraries.of(PARTS).list().ofMaxSize(40).map(parts -> String.join("", parts));
  }

  /** A template that works, with a piece of another one in place of a piece of its own. */
  @Provide
  Arbitrary<String> spliced() {
    Arbitrary<String> feature = Arbitraries.of(FEATURES);
    return feature.flatMap(
        a ->
            feature.flatMap(
                b ->
                    Arbitraries.integers()
                        .between(0, a.length())
                        .tuple3()
                        .map(
                            at -> {
                              int from = Math.min(at.get1(), at.get2());
                              int to = Math.max(at.get1(), at.get2());
                              int cut = Math.min(at.get3(), b.length());
                              return a.substring(0, from) + b.substring(cut) + a.substring(to);
                            })));
  }

  @Property(tries = 1000)
  void anyTextEndsInOutputOrATypedException(@ForAll String template) {
    render(template);
  }

  @Property(tries = 2000)
  void anyTokensEndInOutputOrATypedException(@ForAll @From("assembled") String template) {
    render(template);
  }

  @Property(tries = 2000)
  void anySplicedTemplatesEndInOutputOrATypedException(@ForAll @From("spliced") String template) {
    render(template);
  }

  private static void render(String template) {
    try {
      Text text = Template.parse(template).render(VARIABLES, Json.NOW);
      assertTrue(text.toString().length() <= Budget.WORK);
    } catch (TemplateException e) {
      assertTrue(e.line() >= 1, e::getMessage);
    }
  }

  /** What a text is made of by slices and joins has the origin of its characters. */
  @Property(tries = 1000)
  void originFollowsTheCharacters(@ForAll List<Boolean> runs, @ForAll List<Integer> cuts) {
    Budget budget = new Budget();
    TextBuilder builder = new TextBuilder(budget);
    runs.forEach(given -> builder.append(given ? "gg" : "o", given));
    Text text = builder.toText();
    TextBuilder again = new TextBuilder(budget);
    int at = 0;
    int length = text.toString().length();
    for (int cut : cuts) {
      int end = Math.min(length, at + Math.floorMod(cut, 5));
      again.append(text.slice(budget, at, end));
      at = end;
    }
    Text joined = again.append(text, at, length).toText();
    assertEquals(text, joined);
    for (int i = 0; i < length; i++) {
      assertEquals(text.toString().charAt(i) == 'g', text.isGiven(i));
      assertEquals(text.isGiven(i), joined.isGiven(i));
    }
  }
}
