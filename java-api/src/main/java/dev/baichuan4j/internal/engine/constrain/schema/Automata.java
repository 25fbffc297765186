package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.JsonLexemes;
import dev.baichuan4j.internal.engine.constrain.Regex;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Automata that all schemas share, with the masks of their states: the last used are kept. Safe for
 * any number of threads.
 */
final class Automata {
  private static final int KEPT = 512;

  private static final Cache<String, Regex> PATTERNS = new Cache<>(Regex::search);
  private static final Cache<List<String>, Regex> TEXTS = new Cache<>(Regex::strings);
  private static final Cache<Regex, Dfa> CONTENTS = new Cache<>(Regex::dfa);
  private static final Cache<Regex, Dfa> STRINGS = new Cache<>(r -> new StringText(of(r)));
  private static final Cache<List<NumberSpec>, Dfa> NUMBERS = new Cache<>(NumberText::of);
  private static final Dfa[] LITERALS = new Dfa[Shape.ALL_LITERALS + 1];

  /** Strings between their quotation marks. */
  static final Dfa BODY = Regex.union(JsonLexemes.UNESCAPED, JsonLexemes.ESCAPED).star().dfa();

  private Automata() {}

  private static final class Cache<K, V> {
    private final Function<K, V> make;
    private final Map<K, V> values =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
            return size() > KEPT;
          }
        };

    private Cache(Function<K, V> make) {
      this.make = make;
    }

    private V get(K key) {
      synchronized (values) {
        V known = values.get(key);
        if (known != null) {
          return known;
        }
      }
      V made = make.apply(key);
      synchronized (values) {
        V other = values.putIfAbsent(key, made);
        return other == null ? made : other;
      }
    }
  }

  static Regex pattern(String pattern) {
    return PATTERNS.get(pattern);
  }

  /** The language of some texts. */
  static Regex texts(List<String> texts) {
    return TEXTS.get(texts);
  }

  /** The automaton of some strings as they are. */
  static Dfa of(Regex regex) {
    return CONTENTS.get(regex);
  }

  /** The automaton of some strings as JSON, from behind the opening quotation mark on. */
  static Dfa strings(Regex regex) {
    return STRINGS.get(regex);
  }

  /** The automaton of some numbers. */
  static Dfa numbers(List<NumberSpec> specs) {
    return specs.contains(NumberSpec.ANY) ? JsonLexemes.NUMBER_DFA : NUMBERS.get(specs);
  }

  /** The automaton of some literals, by the bits of {@link Shape}. */
  static Dfa literals(int bits) {
    synchronized (LITERALS) {
      if (LITERALS[bits] == null) {
        Regex all = Regex.NOTHING;
        all = (bits & Shape.NULL) == 0 ? all : Regex.union(all, Regex.literal("null"));
        all = (bits & Shape.FALSE) == 0 ? all : Regex.union(all, Regex.literal("false"));
        all = (bits & Shape.TRUE) == 0 ? all : Regex.union(all, Regex.literal("true"));
        LITERALS[bits] = all.dfa();
      }
      return LITERALS[bits];
    }
  }
}
