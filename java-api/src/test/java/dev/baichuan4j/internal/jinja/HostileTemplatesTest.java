package dev.baichuan4j.internal.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.jinja.TemplateException.Kind;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates that would take all time, memory or stack end in an exception that says so. */
class HostileTemplatesTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(10 ** 18) %}{% endfor %}",
        "{{ 'a' * 10 ** 12 }}",
        "{{ [0] * 10 ** 12 }}",
        "{{ ('ab' * 10 ** 7) * 10 ** 7 }}",
        "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}"
            + "{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}"
            + "{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}"
            + "{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}"
            + "{% endfor %}{{ ns.l|tojson }}",
        "{% set a = namespace(l=[1]) %}{% set b = namespace(l=[1]) %}{% for i in range(99) %}"
            + "{% set a.l = [a.l, a.l] %}{% set b.l = [b.l, b.l] %}{% endfor %}{{ a.l == b.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}"
            + "{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}"
            + "{% endfor %}{{ ns.l|tojson(indent=4) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set s = 'a' * 10 ** 6 %}{% for i in range(100000) %}{% if s.count('aaaaaaaaaaab') %}"
            + "{% endif %}{% endfor %}",
        "{% set s = 'a' * 10 ** 6 %}{{ s.replace('', s) }}",
        "{% set s = 'a' * 10 ** 6 %}{{ (s * 9).find(s ~ 'b') }}",
        "{% set s = 'a' * 10 ** 6 %}{% for i in range(9999) %}{% set t = s[1:] %}{% endfor %}",
        "{% set s = ' ' * 10 ** 6 %}{% for i in range(100000) %}{% set t = s.strip() %}"
            + "{% endfor %}",
        "{{ ('a\n' * 10 ** 6) | indent(999) }}",
        "{{ [1]|batch(10 ** 15, 'x')|list }}",
      })
  void endInALimit(String template) throws InterruptedException {
    assertEquals(Kind.LIMIT, failure(template).kind(), template);
  }

  @Test
  void nestingInTheTextIsALimitOfTheParser() throws InterruptedException {
    for (String open : new String[] {"(", "[", "{1:", "not ", "-", "1 if 1 else ", "f(", "a["}) {
      TemplateException failure = failure("{{ " + open.repeat(100_000) + "1 }}");
      assertEquals(Kind.SYNTAX, failure.kind(), open);
    }
    assertEquals(Kind.SYNTAX, failure("{% if 1 %}".repeat(50_000)).kind());
    assertEquals(Kind.SYNTAX, failure("x".repeat(1 << 21)).kind());
    assertEquals(Kind.LIMIT, failure("{{ 1" + " + 1".repeat(100_000) + " }}").kind());
    assertEquals(Kind.LIMIT, failure("{{ a" + "|list".repeat(100_000) + " }}").kind());
  }

  @Test
  void aMessageOfATemplateIsKeptAsItIs() throws InterruptedException {
    TemplateException failure = failure("\n\n{{ raise_exception('no') }}");
    assertEquals(Kind.RAISED, failure.kind());
    assertEquals("no", failure.getMessage());
    assertEquals(3, failure.line());
  }

  @Test
  void noClassIsReached() {
    for (String name : new String[] {"class", "getClass", "__class__", "chars", "edges", "value"}) {
      String template = "{{ x." + name + " is defined }}{{ s['" + name + "'] is defined }}";
      Text text = Template.parse(template).render(Map.of("x", 1L, "s", Text.given("s")), Json.NOW);
      assertEquals("FalseFalse", text.toString(), name);
    }
  }

  /** Runs a template on a stack of 512 KiB, as small as that of any thread of a server. */
  private static TemplateException failure(String template) throws InterruptedException {
    AtomicReference<Throwable> other = new AtomicReference<>();
    AtomicReference<TemplateException> failure = new AtomicReference<>();
    Thread thread =
        new Thread(
            null,
            () ->
                failure.set(
                    assertThrows(
                        TemplateException.class,
                        () -> Template.parse(template).render(Map.of(), Json.NOW))),
            "template",
            512 << 10);
    thread.setUncaughtExceptionHandler((t, e) -> other.set(e));
    thread.start();
    thread.join();
    assertNull(other.get(), () -> template.substring(0, Math.min(200, template.length())));
    assertTrue(failure.get().line() >= 1);
    return failure.get();
  }
}
