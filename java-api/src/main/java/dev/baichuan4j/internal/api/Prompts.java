package dev.baichuan4j.internal.api;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.chat.ChatTemplate;
import dev.baichuan4j.internal.chat.JinjaPrompt;
import dev.baichuan4j.internal.chat.PromptBuilder;
import dev.baichuan4j.internal.chat.TemplateFile;
import dev.baichuan4j.internal.chat.ToolProbe;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import java.time.LocalDateTime;
import java.util.Optional;
import java.util.function.Supplier;

/** How conversations are put to a model: by a format of Baichuan's own, or by its template. */
final class Prompts {
  private final PromptFormat own; // used where there is no template
  private final Optional<TemplateFile> template;
  private JinjaPrompt byTemplate; // made when it is asked for: it looks at the whole vocabulary

  private Prompts(PromptFormat own, Optional<TemplateFile> template) {
    this.own = own;
    this.template = template;
  }

  /**
   * @param asked the format that the loader was given; null for what the checkpoint asks for
   * @throws ModelFormatException if a template is asked for and is missing or cannot be read
   */
  static Prompts of(Optional<Checkpoint> checkpoint, PromptFormat asked) {
    boolean isRelative =
        checkpoint.map(Checkpoint::architecture).map(Architecture::isRelative).orElse(false);
    if (asked == null ? !isRelative : asked != PromptFormat.TEMPLATE) {
      return new Prompts(asked == null ? PromptFormat.CURRENT : asked, Optional.empty());
    }
    Optional<TemplateFile> template = checkpoint.flatMap(c -> TemplateFile.find(c.files()));
    if (asked == PromptFormat.TEMPLATE && template.isEmpty()) {
      throw new ModelFormatException(
          checkpoint.map(c -> c.path().toString()).orElse("random model"),
          "chat template",
          "chat_template.jinja, chat_template in tokenizer_config.json, or tokenizer.chat_template"
              + " of a GGUF file, for prompt format TEMPLATE",
          "no chat template");
    }
    return new Prompts(PromptFormat.CURRENT, template);
  }

  /**
   * @param hasRoles whether the checkpoint names the role ids of Baichuan's own formats
   */
  Optional<PromptFormat> format(boolean hasRoles) {
    return template.isPresent()
        ? Optional.of(PromptFormat.TEMPLATE)
        : hasRoles ? Optional.of(own) : Optional.empty();
  }

  /** Returns how the template, if there is one, tells of tools. */
  ToolForm toolForm() {
    return template.map(ToolProbe::formOf).orElse(ToolForm.TEXT);
  }

  /**
   * @throws InvalidRequestException if the model is none that can chat, or has no template that
   *     variables could be given to
   */
  PromptBuilder builder(
      ModelInfo info, Supplier<Tokenizer> tokenizer, TemplateVariables variables) {
    return builder(
        info.chatRoles(), info.endIds().get(0), info.contextLength(), tokenizer, variables);
  }

  /**
   * As above, of a model that is not loaded.
   *
   * @param end the id that ends a text
   * @param context positions of the model
   */
  synchronized PromptBuilder builder(
      Optional<ModelInfo.ChatRoles> chatRoles,
      int end,
      int context,
      Supplier<Tokenizer> tokenizer,
      TemplateVariables variables) {
    if (template.isPresent()) {
      if (byTemplate == null) {
        byTemplate = new JinjaPrompt(template.get(), tokenizer.get(), context, LocalDateTime::now);
      }
      return byTemplate.with(variables);
    }
    if (!variables.equals(TemplateVariables.NONE)) {
      throw new InvalidRequestException(
          "templateVariables",
          variables,
          "none: the prompts of this model are not made by a chat template");
    }
    ModelInfo.ChatRoles roles =
        chatRoles.orElseThrow(
            () ->
                new InvalidRequestException(
                    "messages",
                    "checkpoint has neither a chat template nor user_token_id and"
                        + " assistant_token_id in generation_config.json, expected a chat"
                        + " model; use complete for a base model"));
    return new ChatTemplate(
        own, tokenizer.get()::encode, roles.user(), roles.assistant(), end, context);
  }
}
