package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.JsonObject;
import dev.baichuan4j.internal.tokenizer.OnigurumaParser.UnsupportedExpression;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads {@code normalizer} and {@code pre_tokenizer} of a {@code tokenizer.json}. */
final class PreTokenizerJson {
  private static final String NORMALIZER = "normalizer";
  private static final String PRE_TOKENIZER = "pre_tokenizer";
  private static final String SEQUENCE = "Sequence";
  private static final String PATTERN = "pattern";

  private static final Pattern NUMBER = Pattern.compile("\\p{N}");

  private PreTokenizerJson() {}

  /**
   * Reads the normalizer.
   *
   * @throws ModelFormatException if it is not made of Unicode's normal forms
   */
  static UnicodeForms normalizer(JsonObject json) {
    List<Form> forms = new ArrayList<>();
    json.optionalObject(NORMALIZER).ifPresent(object -> addForms(object, forms));
    return new UnicodeForms(forms);
  }

  private static void addForms(JsonObject json, List<Form> forms) {
    String type = type(json);
    switch (type) {
      case SEQUENCE -> json.objects("normalizers").forEach(object -> addForms(object, forms));
      case "NFC", "NFD", "NFKC", "NFKD" -> forms.add(Form.valueOf(type));
      default ->
          throw new ModelFormatException(
              json.file(), NORMALIZER, "NFC, NFD, NFKC, NFKD or a Sequence of them", type);
    }
  }

  /**
   * Reads the pre-tokenizer.
   *
   * @throws ModelFormatException if it does not end with ByteLevel, or has what is not supported
   */
  static PreTokenizer preTokenizer(JsonObject json) {
    List<JsonObject> all = new ArrayList<>();
    flatten(json.object(PRE_TOKENIZER), all);
    JsonObject last = all.isEmpty() ? json : all.get(all.size() - 1);
    if (!type(last).equals("ByteLevel")) {
      throw new ModelFormatException(
          json.file(), PRE_TOKENIZER, "ByteLevel as its last", type(last));
    }
    List<Split> splits = new ArrayList<>();
    for (JsonObject object : all.subList(0, all.size() - 1)) {
      splits.add(split(object));
    }
    boolean words = last.optionalBoolean("use_regex").orElse(true);
    boolean prefix = last.optionalBoolean("add_prefix_space").orElse(true);
    Optional<Split> cut =
        words
            ? Optional.of(new Split(expression(last, Split.WORDS), Split.Behavior.ISOLATED, false))
            : Optional.empty();
    if (!prefix) {
      cut.ifPresent(splits::add);
      cut = Optional.empty();
    }
    return new PreTokenizer(json.file(), splits, prefix, cut);
  }

  /** Returns the parts of the pre-tokenizer, of which ByteLevel is the last. */
  static List<JsonObject> parts(JsonObject json) {
    List<JsonObject> all = new ArrayList<>();
    flatten(json.object(PRE_TOKENIZER), all);
    return all;
  }

  private static void flatten(JsonObject json, List<JsonObject> all) {
    if (type(json).equals(SEQUENCE)) {
      json.objects("pretokenizers").forEach(object -> flatten(object, all));
    } else {
      all.add(json);
    }
  }

  private static String type(JsonObject json) {
    return json.optionalString("type").orElse("no type");
  }

  private static Split split(JsonObject json) {
    String type = type(json);
    return switch (type) {
      case "Split" ->
          new Split(pattern(json), behavior(json), json.optionalBoolean("invert").orElse(false));
      case "Digits" -> {
        boolean single = json.optionalBoolean("individual_digits").orElse(false);
        yield new Split(
            NUMBER, single ? Split.Behavior.ISOLATED : Split.Behavior.CONTIGUOUS, false);
      }
      default ->
          throw new ModelFormatException(
              json.file(), PRE_TOKENIZER, "Split and Digits before a ByteLevel", type);
    };
  }

  private static Pattern pattern(JsonObject json) {
    JsonObject pattern = json.object(PATTERN);
    Optional<String> text = pattern.optionalString("String");
    if (text.isPresent()) {
      if (text.get().isEmpty()) {
        throw pattern.wrong("String", "a text");
      }
      return Pattern.compile(Pattern.quote(text.get()));
    }
    return expression(
        json,
        pattern
            .optionalString("Regex")
            .orElseThrow(() -> json.wrong(PATTERN, "a String or a Regex")));
  }

  private static Pattern expression(JsonObject json, String expression) {
    try {
      return OnigurumaParser.parse(expression);
    } catch (UnsupportedExpression e) {
      throw new ModelFormatException(
          json.file(),
          PATTERN,
          "a regular expression that can be taken over from Oniguruma",
          e.getMessage() + ": " + expression,
          e);
    }
  }

  private static Split.Behavior behavior(JsonObject json) {
    String name = json.optionalString("behavior").orElse("");
    return switch (name) {
      case "Removed" -> Split.Behavior.REMOVED;
      case "Isolated" -> Split.Behavior.ISOLATED;
      case "MergedWithPrevious" -> Split.Behavior.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> Split.Behavior.MERGED_WITH_NEXT;
      case "Contiguous" -> Split.Behavior.CONTIGUOUS;
      default ->
          throw json.wrong(
              "behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
    };
  }
}
