package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.jinja.Template;
import dev.baichuan4j.internal.jinja.TemplateException;
import dev.baichuan4j.internal.jinja.Text;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The chat template of a model: {@code chat_template.jinja}, or else {@code chat_template} of
 * {@code tokenizer_config.json}, or of {@code chat_template.json}. Of several that have names it is
 * the one called {@code default}.
 *
 * @param file where it is from, for messages
 * @param specialTokens the texts that {@code tokenizer_config.json}, or else {@code
 *     special_tokens_map.json}, has for names such as {@code bos_token}
 */
public record TemplateFile(String file, Template template, Map<String, Text> specialTokens) {
  /** Published files have 50 KB; those with thousands of added tokens some hundreds. */
  private static final int MAX_BYTES = 16 << 20;

  private static final String KEY = "chat_template";
  private static final String CONFIG = "tokenizer_config.json";

  private static final List<String> SPECIAL_TOKENS =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /**
   * Reads the template of a model; empty if it has none.
   *
   * @throws ModelFormatException if a file is malformed or the template cannot be read, with the
   *     line of the template
   */
  public static Optional<TemplateFile> find(NamedFiles model) {
    return text(model).map(text -> of(model.place(text.name), text.template, specialTokens(model)));
  }

  /**
   * Returns the text of a model's template; empty if it has none.
   *
   * @throws ModelFormatException if a file is malformed
   */
  public static Optional<String> textOf(NamedFiles model) {
    return text(model).map(Source::template);
  }

  /** The file that a template is in, and its text. */
  private record Source(String name, String template) {}

  private static Optional<Source> text(NamedFiles model) {
    String jinja = "chat_template.jinja";
    Optional<byte[]> bytes = model.find(jinja, MAX_BYTES, "a chat template");
    if (bytes.isPresent()) {
      return Optional.of(new Source(jinja, new String(bytes.get(), StandardCharsets.UTF_8)));
    }
    return inJson(model, CONFIG).or(() -> inJson(model, "chat_template.json"));
  }

  private static Optional<Source> inJson(NamedFiles model, String name) {
    return json(model, name)
        .flatMap(TemplateFile::template)
        .map(template -> new Source(name, template));
  }

  private static Optional<JsonObject> json(NamedFiles model, String name) {
    return model.has(name)
        ? Optional.of(JsonObject.read(model, name, MAX_BYTES))
        : Optional.empty();
  }

  private static Optional<String> template(JsonObject json) {
    if (!json.isList(KEY)) {
      return json.optionalString(KEY);
    }
    for (JsonObject named : json.objects(KEY)) {
      if (named.optionalString("name").orElse("").equals("default")) {
        return Optional.of(
            named
                .optionalString("template")
                .orElseThrow(() -> named.wrong("template", "the text of a template")));
      }
    }
    throw json.wrong(KEY, "a template, or several of which one is called default");
  }

  private static TemplateFile of(String file, String template, Map<String, Text> specialTokens) {
    try {
      return new TemplateFile(file, Template.parse(template), specialTokens);
    } catch (TemplateException e) {
      throw broken(file, e);
    }
  }

  static ModelFormatException broken(String file, TemplateException e) {
    return new ModelFormatException(
        file,
        "line " + e.line() + " of the chat template",
        "a template that can be run here",
        e.getMessage(),
        e);
  }

  private static Map<String, Text> specialTokens(NamedFiles model) {
    Map<String, Text> texts = new LinkedHashMap<>();
    json(model, "special_tokens_map.json").ifPresent(map -> addTo(texts, map));
    json(model, CONFIG).ifPresent(map -> addTo(texts, map));
    return texts;
  }

  /** A special token is written as its text, or as an object that has it as {@code content}. */
  private static void addTo(Map<String, Text> texts, JsonObject json) {
    for (String name : SPECIAL_TOKENS) {
      Optional<String> text =
          json.isObject(name)
              ? json.object(name).optionalString("content")
              : json.optionalString(name);
      text.ifPresent(token -> texts.put(name, Text.own(token)));
    }
  }
}
