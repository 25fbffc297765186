package dev.baichuan4j.internal.chat;

import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.jinja.Text;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Encodes what a chat template has written. A special token becomes its id where the template has
 * written all of its characters. What is between two of them is encoded at once, as text that has
 * no special tokens, so that the ids of an honest conversation are those of the published
 * tokenizers and a special token in a message stays text.
 *
 * <p>This is the one place that knows which pieces of a tokenizer are special: those of type {@code
 * CONTROL}, and those {@code USER_DEFINED} ones that {@link Tokenizer#encode(String)} does not give
 * for their own text.
 */
final class MarkedText {
  private final Tokenizer tokenizer;
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final Pattern marks;

  MarkedText(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      if (isMark(id)) {
        ids.put(tokenizer.piece(id), id);
      }
    }
    this.marks =
        Pattern.compile(
            ids.keySet().stream()
                .filter(mark -> !mark.isEmpty())
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|", "(?:", ids.isEmpty() ? "(?!))" : ")")));
  }

  private boolean isMark(int id) {
    return switch (tokenizer.type(id)) {
      case CONTROL -> true;
      case USER_DEFINED ->
          IntStream.of(tokenizer.encode(tokenizer.piece(id))).noneMatch(given -> given == id);
      default -> false;
    };
  }

  int[] encode(Text text) {
    String chars = text.toString();
    IntStream.Builder all = IntStream.builder();
    Matcher matcher = marks.matcher(chars);
    int at = 0;
    for (int from = 0; matcher.find(from); ) {
      if (text.hasGiven(matcher.start(), matcher.end())) {
        from = matcher.start() + 1;
        continue;
      }
      Arrays.stream(tokenizer.encode(chars.substring(at, matcher.start()))).forEach(all);
      all.add(ids.get(matcher.group()));
      at = matcher.end();
      from = at;
    }
    Arrays.stream(tokenizer.encode(chars.substring(at))).forEach(all);
    return all.build().toArray();
  }
}
