package dev.baichuan4j.cli;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A conversation and its commands. No error ends it: the error is reported on standard error, and
 * the conversation goes on as it was.
 */
final class ChatLoop {
  private static final String HELP =
      """
      exit              end (also Ctrl-D)
      clear             forget the conversation and clear the screen
      vim               write the message in $EDITOR (vim)
      stream            switch streaming on or off
      /save FILE        save the conversation as JSON
      /load FILE        go on with a saved one
      /stats            tokens and times of the last answer
      /history          show the conversation
      /adapter NAME     answer with this adapter, or none; without a name: list them
      /help             this list
      A line that ends with a backslash goes on in the next. Ctrl-C stops the answer.\
      """;

  private final ChatSession session;
  private final GenerationOptions options;
  private final ChatAdapter adapter;
  private final List<ChatMessage> start;
  private final Path file; // that keeps the conversation; null for none
  private final Messages messages;
  private boolean stream = true;
  private boolean failed;
  private GenerationResult last;
  private volatile Optional<Generation> running = Optional.empty();

  ChatLoop(
      ChatSession session,
      GenerationOptions options,
      ChatAdapter adapter,
      List<ChatMessage> start,
      Path file,
      Messages messages) {
    this.session = session;
    this.options = options;
    this.adapter = adapter;
    this.start = start;
    this.file = file;
    this.messages = messages;
  }

  /** Talks until the end and returns the exit code: 1 where a script's line has failed. */
  int run() throws IOException {
    messages.onInterrupt(() -> running.ifPresent(Generation::cancel));
    if (messages.isInteractive()) {
      Terminal.out()
          .println("欢迎使用百川大模型，输入进行对话，vim 多行输入，clear 清空历史，CTRL+C 中断生成，stream 开关流式生成，exit 结束。");
    }
    while (!Interruption.isRequested()) {
      String line = messages.next();
      if (line == null || line.strip().equals("exit")) {
        break;
      }
      if (line.isBlank() || command(line.strip())) {
        continue;
      }
      String message = line.strip().equals("vim") ? edit() : line;
      if (!message.isBlank()) {
        answer(message);
      }
    }
    return failed && !messages.isInteractive() ? 1 : 0;
  }

  private boolean command(String line) {
    String[] words = line.split("\\s+", 2);
    switch (words[0]) {
      case "clear" -> {
        session.history(start);
        keep();
        messages.clearScreen();
      }
      case "stream" -> {
        stream = !stream;
        Terminal.out().println(stream ? "(开启流式生成)" : "(关闭流式生成)");
      }
      case "/help" -> Terminal.out().println(HELP);
      case "/stats" -> stats();
      case "/history" -> {
        for (ChatMessage m : session.history()) {
          Terminal.out().println(ConversationFile.roleName(m) + ": " + m.content());
        }
      }
      case "/adapter" -> {
        try {
          Terminal.out().println(words.length < 2 ? adapter.list() : adapter.choose(words[1]));
        } catch (BaichuanException e) {
          complain(e.getMessage());
        }
      }
      case "/save", "/load" -> {
        if (words.length < 2) {
          complain(words[0] + " has no file, expected " + words[0] + " FILE");
        } else if (words[0].equals("/save")) {
          save(words[1]);
        } else {
          load(words[1]);
        }
      }
      default -> {
        if (!line.startsWith("/")) {
          return false;
        }
        complain("unknown command " + words[0] + ", expected one of:\n" + HELP);
      }
    }
    return true;
  }

  private void save(String name) {
    List<ChatMessage> history = session.history();
    try {
      ConversationFile.save(Arguments.path(name), history);
    } catch (IOException e) {
      complain(unusable("/save", name, "a file that can be written", InputFile.reason(e)));
      return;
    } catch (InvalidPathException e) {
      complain(unusable("/save", name, "the name of a file", e.getReason()));
      return;
    }
    Terminal.out().println("saved " + history.size() + " messages to " + name);
  }

  private void load(String name) {
    List<ChatMessage> history;
    try {
      history = ConversationFile.load(Arguments.path(name));
    } catch (IOException e) {
      complain(unusable("/load", name, "a saved conversation", InputFile.reason(e)));
      return;
    } catch (InvalidPathException e) {
      complain(unusable("/load", name, "the name of a file", e.getReason()));
      return;
    }
    session.history(history);
    keep();
    Terminal.out().println("loaded " + history.size() + " messages from " + name);
  }

  private static String unusable(String command, String name, String expected, String reason) {
    return command + " has value " + name + ", expected " + expected + ": " + reason;
  }

  private void stats() {
    if (last == null) {
      Terminal.out().println("no answer yet");
      return;
    }
    double seconds = last.timings().generation().toNanos() / 1e9;
    Terminal.out()
        .printf(
            "prompt %d tokens (%d cached) in %.3f s; answer %d tokens, %.1f tokens/s; %s%n",
            last.usage().promptTokens(),
            last.usage().cachedTokens(),
            last.timings().prompt().toNanos() / 1e9,
            last.usage().completionTokens(),
            seconds > 0 ? (last.usage().completionTokens() - 1) / seconds : 0,
            last.finishReason());
  }

  /** A message from the editor, empty where there is none. */
  private String edit() {
    try {
      String text = Editor.write(messages.isInteractive());
      if (messages.isInteractive()) {
        Terminal.out().println(text);
      }
      return text;
    } catch (IOException e) {
      complain("vim: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "";
  }

  private void answer(String message) {
    if (messages.isInteractive()) {
      Terminal.out().print("\nBaichuan：");
      Terminal.out().flush();
    }
    try (Generation generation = session.send(message, adapter.applied(options))) {
      running = Optional.of(generation);
      if (stream) {
        last = ChatCommand.print(generation);
      } else {
        last = generation.result();
        Terminal.out().println(last.text());
      }
      Results.tellLoss(last);
      if (last.finishReason() == FinishReason.CANCELLED) {
        Terminal.err().println("(已中断)");
      }
      keep();
    } catch (BaichuanException e) {
      complain(e.getMessage());
    } finally {
      running = Optional.empty();
    }
  }

  /** Saves the conversation where it is kept. */
  private void keep() {
    try {
      if (file != null) {
        session.save(file);
      }
    } catch (BaichuanException e) {
      complain(e.getMessage());
    }
  }

  private void complain(String message) {
    failed = true;
    if (!Interruption.isRequested()) {
      Terminal.err().println(message);
    }
  }
}
