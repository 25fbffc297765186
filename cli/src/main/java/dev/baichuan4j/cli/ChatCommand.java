package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.TemplateVariables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code chat}: a conversation on the terminal, or one answer. */
@Command(name = "chat", mixinStandardHelpOptions = true, description = "Talks with a chat model.")
final class ChatCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--message", paramLabel = "TEXT", description = "Answer this message and exit.")
  private String message;

  @Option(names = "--system", paramLabel = "TEXT", description = "A text before the conversation.")
  private String system;

  @Option(
      names = "--session",
      paramLabel = "FILE",
      description =
          "Go on with the conversation of this file, if it is there, without reading it again, and"
              + " keep it there after each answer.")
  private Path file;

  @Option(
      names = "--prompt-format",
      paramLabel = "FORMAT",
      description =
          "current, older for the first Baichuan-13B-Chat, or template, which the folder has"
              + " (default: template for LLaMA, Mistral and Qwen, else current).")
  private PromptFormat promptFormat;

  @Option(
      names = "--template-variable",
      paramLabel = "NAME=VALUE",
      description =
          "Give the chat template this besides the conversation, such as enable_thinking=false. A"
              + " value is JSON; one that is none is a text. May be repeated.")
  private Map<String, String> templateVariables = Map.of();

  @Option(
      names = "--prompt-overflow",
      paramLabel = "WAY",
      converter = PromptOverflowConverter.class,
      description =
          "Where a conversation is too long: drop-oldest-rounds (the default), fail, or publisher,"
              + " which also cuts the system text and the newest message.")
  private PromptOverflow promptOverflow = PromptOverflow.DROP_OLDEST_ROUNDS;

  @Option(names = "--json", description = "With --message: print one JSON object.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;
  @Mixin private SamplingOptions samplingOptions;
  @Mixin private LoraOptions loraOptions;

  @Override
  public Integer call() throws IOException {
    if (json && message == null) {
      throw new ParameterException(
          spec.commandLine(), "--json has no --message, expected a message to answer");
    }
    samplingOptions.requireEffect(json);
    loraOptions.check();
    BaichuanLoader loader = samplingOptions.configure(modelOptions.loader());
    if (promptFormat != null) {
      loader.promptFormat(promptFormat);
    }
    try (Baichuan model = ModelOptions.load(loader);
        ChatSession session = begin(model)) {
      loraOptions.loadInto(model);
      GenerationOptions options =
          samplingOptions
              .apply(model.defaultOptions())
              .withPromptOverflow(promptOverflow)
              .withTemplateVariables(variables());
      if (message == null) {
        return converse(model, session, options);
      }
      GenerationOptions adapted = loraOptions.chosen().map(options::withAdapter).orElse(options);
      try (Generation generation = session.send(message, adapted)) {
        if (json) {
          Terminal.printJson(Results.of(generation));
        } else {
          print(generation);
        }
        Results.tellLoss(generation.result());
      }
      if (file != null) {
        session.save(file);
      }
    }
    return 0;
  }

  private TemplateVariables variables() {
    Map<String, Object> values = new LinkedHashMap<>();
    templateVariables.forEach((name, text) -> values.put(name, value(text)));
    return TemplateVariables.of(values);
  }

  private static Object value(String text) {
    try {
      return Terminal.json()
          .readerFor(Object.class)
          .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .readValue(text);
    } catch (JsonProcessingException e) {
      return text;
    }
  }

  private ChatSession begin(Baichuan model) {
    if (file == null || !Files.exists(file)) {
      return system == null ? model.newSession() : model.newSession(system);
    }
    ChatSession session = model.restore(file);
    if (system != null && !systemOf(session).equals(List.of(ChatMessage.system(system)))) {
      session.close();
      throw new ParameterException(
          spec.commandLine(),
          "--system has another text than the conversation of "
              + Arguments.text(file)
              + ", expected none: it has its own");
    }
    return session;
  }

  /** The message of the system that a conversation begins with, if there is one. */
  private static List<ChatMessage> systemOf(ChatSession session) {
    return session.history().stream()
        .limit(1)
        .filter(m -> m.role() == ChatMessage.Role.SYSTEM)
        .toList();
  }

  /** Reads the names as options are written: with hyphens, in small letters. */
  static final class PromptOverflowConverter implements ITypeConverter<PromptOverflow> {
    @Override
    public PromptOverflow convert(String text) {
      for (PromptOverflow way : PromptOverflow.values()) {
        if (name(way).equals(text.toLowerCase(Locale.ROOT))) {
          return way;
        }
      }
      throw new TypeConversionException(
          "has value "
              + text
              + ", expected one of "
              + Arrays.stream(PromptOverflow.values()).map(PromptOverflowConverter::name).toList());
    }

    private static String name(PromptOverflow way) {
      return way.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private int converse(Baichuan model, ChatSession session, GenerationOptions options)
      throws IOException {
    List<ChatMessage> start = systemOf(session);
    ChatAdapter adapter = new ChatAdapter(model, loraOptions.chosen());
    if (!Terminal.isInteractive()) {
      return new ChatLoop(session, options, adapter, start, file, new PipedMessages()).run();
    }
    try (TerminalMessages messages = new TerminalMessages()) {
      return new ChatLoop(session, options, adapter, start, file, messages).run();
    }
  }

  /** Prints a stream as it comes and returns its result. */
  static GenerationResult print(Generation generation) {
    for (Chunk chunk : generation) {
      Terminal.out().print(chunk.text());
      Terminal.out().flush();
    }
    Terminal.out().println();
    return generation.result();
  }
}
