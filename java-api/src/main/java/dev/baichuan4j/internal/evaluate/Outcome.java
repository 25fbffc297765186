package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model has made of a question, or of a part of a text.
 *
 * @param place which one
 * @param line where its file has it; 0 for a part of a text
 * @param said its answer, or null where there is none
 * @param expected the right one, or null for a text
 * @param isRight whether they are the same
 * @param text what it has written, or null where nothing is written
 * @param scores the logits of the letters A to D; none for others
 * @param nll negative log-likelihood in nats, of texts
 * @param tokens tokens that were scored, of texts
 * @param droppedShots examples that were left out of its prompt
 * @param cutTokens tokens that were cut off at the beginning of its prompt
 */
public record Outcome(
    Place place,
    int line,
    String said,
    String expected,
    boolean isRight,
    String text,
    List<Double> scores,
    double nll,
    long tokens,
    int droppedShots,
    int cutTokens) {
  static Outcome choice(
      Place place, Question question, String said, List<Double> scores, Prompt prompt) {
    return new Outcome(
        place,
        question.line(),
        said,
        question.expected(),
        said.equals(question.expected()),
        null,
        scores,
        0,
        0,
        prompt.droppedShots(),
        prompt.cutTokens());
  }

  static Outcome part(Place place, double nll, long tokens) {
    return new Outcome(place, 0, null, null, false, null, List.of(), nll, tokens, 0, 0);
  }

  /** Returns it as a line of a results file has it; the names are part of the interface. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("subject", place.subject());
    json.put("item", place.item());
    if (expected == null) {
      json.put("nll", nll);
      json.put("tokens", tokens);
      return json;
    }
    json.put("line", line);
    json.put("answer", said);
    json.put("expected", expected);
    json.put("right", isRight);
    if (text != null) {
      json.put("text", text);
    }
    if (!scores.isEmpty()) {
      json.put("scores", scores);
    }
    json.put("dropped_shots", droppedShots);
    json.put("cut_tokens", cutTokens);
    return json;
  }

  /**
   * Returns what {@link #json} has put down.
   *
   * @throws InvalidRequestException if it is something else
   */
  static Outcome of(Map<?, ?> json) {
    Place place = new Place(text(json, "subject"), (int) number(json, "item"));
    if (!json.containsKey("expected")) {
      return part(place, number(json, "nll"), (long) number(json, "tokens"));
    }
    List<Double> scores = new ArrayList<>();
    if (json.get("scores") instanceof List<?> list) {
      list.forEach(score -> scores.add(((BigDecimal) score).doubleValue()));
    }
    return new Outcome(
        place,
        (int) number(json, "line"),
        json.get("answer") instanceof String said ? said : null,
        text(json, "expected"),
        Boolean.TRUE.equals(json.get("right")),
        json.get("text") instanceof String written ? written : null,
        scores,
        0,
        0,
        (int) number(json, "dropped_shots"),
        (int) number(json, "cut_tokens"));
  }

  private static String text(Map<?, ?> json, String key) {
    if (json.get(key) instanceof String text) {
      return text;
    }
    throw new InvalidRequestException(key, "no value", "a text");
  }

  private static double number(Map<?, ?> json, String key) {
    if (json.get(key) instanceof BigDecimal number) {
      return number.doubleValue();
    }
    throw new InvalidRequestException(key, "no value", "a number");
  }
}
