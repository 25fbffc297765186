package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.jinja.Template;
import dev.baichuan4j.internal.jinja.TemplateException;
import dev.baichuan4j.internal.jinja.Text;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The chat template of a GGUF file, or of a folder: {@code chat_template.jinja}, or else {@code
 * chat_template} of {@code tokenizer_config.json}, or of {@code chat_template.json}. Of several
 * that have names it is the one called {@code default}.
 *
 * @param file where it is from, for messages
 * @param specialTokens the texts that {@code tokenizer_config.json}, or else {@code
 *     special_tokens_map.json}, has for names such as {@code bos_token}
 */
public record TemplateFile(Path file, Template template, Map<String, Text> specialTokens) {
  /** Published files have 50 KB; those with thousands of added tokens some hundreds. */
  private static final int MAX_BYTES = 16 << 20;

  private static final String KEY = "chat_template";

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
   * Reads the template of a folder; empty if it has none.
   *
   * @throws ModelFormatException if a file is malformed or the template cannot be read, with the
   *     line of the template
   */
  public static Optional<TemplateFile> find(Path folder) {
    Path config = folder.resolve("tokenizer_config.json");
    Optional<JsonObject> tokenizer = json(config);
    Path jinja = folder.resolve("chat_template.jinja");
    Path json = folder.resolve("chat_template.json");
    if (PathProblem.isThere(jinja)) {
      byte[] bytes = FileBytes.readAll(jinja, MAX_BYTES, "a chat template");
      return Optional.of(of(jinja, new String(bytes, StandardCharsets.UTF_8), folder, tokenizer));
    }
    Optional<String> inConfig = tokenizer.flatMap(TemplateFile::template);
    if (inConfig.isPresent()) {
      return Optional.of(of(config, inConfig.get(), folder, tokenizer));
    }
    return json(json)
        .flatMap(TemplateFile::template)
        .map(template -> of(json, template, folder, tokenizer));
  }

  private static Optional<JsonObject> json(Path file) {
    return PathProblem.isThere(file)
        ? Optional.of(JsonObject.read(file, MAX_BYTES))
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

  private static TemplateFile of(
      Path file, String template, Path folder, Optional<JsonObject> tokenizer) {
    return of(file, template, specialTokens(folder, tokenizer));
  }

  /** The chat template that a GGUF file has, with its special tokens by their names. */
  public static TemplateFile inGguf(Path file, String template, Map<String, String> specialTokens) {
    Map<String, Text> texts = new LinkedHashMap<>();
    specialTokens.forEach((name, text) -> texts.put(name, Text.own(text)));
    return of(file, template, texts);
  }

  private static TemplateFile of(Path file, String template, Map<String, Text> specialTokens) {
    try {
      return new TemplateFile(file, Template.parse(template), specialTokens);
    } catch (TemplateException e) {
      throw broken(file, e);
    }
  }

  static ModelFormatException broken(Path file, TemplateException e) {
    return new ModelFormatException(
        file.toString(),
        "line " + e.line() + " of the chat template",
        "a template that can be run here",
        e.getMessage(),
        e);
  }

  private static Map<String, Text> specialTokens(Path folder, Optional<JsonObject> tokenizer) {
    Map<String, Text> texts = new LinkedHashMap<>();
    json(folder.resolve("special_tokens_map.json")).ifPresent(map -> addTo(texts, map));
    tokenizer.ifPresent(map -> addTo(texts, map));
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
