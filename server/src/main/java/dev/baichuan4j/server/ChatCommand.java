package dev.baichuan4j.server;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.PromptFormat;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code chat}: a conversation on the terminal, or one answer. */
@Command(name = "chat", mixinStandardHelpOptions = true, description = "Talks with a chat model.")
final class ChatCommand implements Callable<Integer> {
  @Option(names = "--message", paramLabel = "TEXT", description = "Answer this message and exit.")
  private String message;

  @Option(names = "--system", paramLabel = "TEXT", description = "A text before the conversation.")
  private String system;

  @Option(
      names = "--prompt-format",
      paramLabel = "FORMAT",
      defaultValue = "current",
      description =
          "current, or older for the first Baichuan-13B-Chat (default: ${DEFAULT-VALUE}).")
  private PromptFormat promptFormat;

  @Option(names = "--json", description = "With --message: print one JSON object.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;
  @Mixin private SamplingOptions samplingOptions;

  @Override
  public Integer call() throws IOException {
    try (Baichuan model = ModelOptions.load(modelOptions.loader().promptFormat(promptFormat));
        ChatSession session = system == null ? model.newSession() : model.newSession(system)) {
      GenerationOptions options = samplingOptions.apply(model.defaultOptions());
      if (message == null) {
        List<ChatMessage> start = system == null ? List.of() : List.of(ChatMessage.system(system));
        new ChatLoop(session, options, start).run();
        return 0;
      }
      try (Generation generation = session.send(message, options)) {
        if (json) {
          Terminal.printJson(Results.of(generation.result()));
        } else {
          print(generation);
        }
      }
    }
    return 0;
  }

  /** Prints a stream as it comes and returns what came of it. */
  static GenerationResult print(Generation generation) {
    for (Chunk chunk : generation) {
      Terminal.out().print(chunk.text());
      Terminal.out().flush();
    }
    Terminal.out().println();
    return generation.result();
  }
}
