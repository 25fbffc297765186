package dev.baichuan4j.server;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.InfoCmp.Capability;

/**
 * The conversation on a terminal: commands, history, and Ctrl-C that stops an answer but not the
 * program.
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
      /help             this list
      A line that ends with a backslash goes on in the next. Ctrl-C stops the answer.""";

  private final ChatSession session;
  private final GenerationOptions options;
  private final List<ChatMessage> start;
  private boolean stream = true;
  private GenerationResult last;
  private volatile Optional<Generation> running = Optional.empty();

  ChatLoop(ChatSession session, GenerationOptions options, List<ChatMessage> start) {
    this.session = session;
    this.options = options;
    this.start = start;
  }

  void run() throws IOException {
    try (org.jline.terminal.Terminal terminal =
        TerminalBuilder.builder().system(true).dumb(true).build()) {
      // For the whole conversation: a Ctrl-C that comes when an answer has just ended, or while an
      // editor is open, must not end the program. The line reader has a handler of its own.
      terminal.handle(Signal.INT, signal -> running.ifPresent(Generation::cancel));
      LineReader reader =
          LineReaderBuilder.builder()
              .terminal(terminal)
              .appName("baichuan")
              // Without this, "!" and "\\" in a message would be taken for history commands.
              .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
              .variable(
                  LineReader.HISTORY_FILE,
                  Path.of(System.getProperty("user.home"), ".baichuan_history"))
              .build();
      Terminal.out()
          .println("欢迎使用百川大模型，输入进行对话，vim 多行输入，clear 清空历史，CTRL+C 中断生成，stream 开关流式生成，exit 结束。");
      while (true) {
        String line = read(reader);
        if (line == null || line.strip().equals("exit")) {
          return;
        }
        if (line.isBlank() || command(line.strip(), terminal)) {
          continue;
        }
        String message = line.strip().equals("vim") ? edit() : line;
        if (!message.isBlank()) {
          answer(message);
        }
      }
    }
  }

  /** A message, or null at the end of the input; Ctrl-C drops the line. */
  private static String read(LineReader reader) {
    StringBuilder text = new StringBuilder();
    while (true) {
      try {
        String line = reader.readLine(text.isEmpty() ? "\n用户：" : "... ");
        if (!line.endsWith("\\")) {
          return text.append(line).toString();
        }
        text.append(line, 0, line.length() - 1).append('\n');
      } catch (UserInterruptException e) {
        text.setLength(0);
      } catch (EndOfFileException e) {
        return null;
      }
    }
  }

  private boolean command(String line, org.jline.terminal.Terminal terminal) throws IOException {
    String[] words = line.split("\\s+", 2);
    switch (words[0]) {
      case "clear" -> {
        session.history(start);
        terminal.puts(Capability.clear_screen);
        terminal.flush();
      }
      case "stream" -> {
        stream = !stream;
        Terminal.out().println(stream ? "(开启流式生成)" : "(关闭流式生成)");
      }
      case "/help" -> Terminal.out().println(HELP);
      case "/stats" -> stats();
      case "/history" -> {
        for (ChatMessage m : session.history()) {
          Terminal.out().println(m.role().name().toLowerCase(Locale.ROOT) + ": " + m.content());
        }
      }
      case "/save", "/load" -> {
        if (words.length < 2) {
          Terminal.out().println(words[0] + " has no file, expected " + words[0] + " FILE");
        } else {
          saveOrLoad(words[0], Path.of(words[1]));
        }
      }
      default -> {
        if (!line.startsWith("/")) {
          return false;
        }
        Terminal.out().println("unknown command " + words[0] + ", expected one of:\n" + HELP);
      }
    }
    return true;
  }

  private void saveOrLoad(String command, Path file) {
    try {
      if (command.equals("/save")) {
        List<Map<String, String>> messages = new ArrayList<>();
        for (ChatMessage m : session.history()) {
          messages.add(
              Map.of("role", m.role().name().toLowerCase(Locale.ROOT), "content", m.content()));
        }
        Files.writeString(
            file, Terminal.json().writerWithDefaultPrettyPrinter().writeValueAsString(messages));
        Terminal.out().println("saved " + messages.size() + " messages to " + file);
        return;
      }
      List<Map<String, String>> messages =
          Terminal.json().readValue(Files.readString(file), new TypeReference<>() {});
      List<ChatMessage> history = new ArrayList<>();
      for (Map<String, String> m : messages) {
        history.add(
            new ChatMessage(
                ChatMessage.Role.valueOf(String.valueOf(m.get("role")).toUpperCase(Locale.ROOT)),
                m.get("content")));
      }
      session.history(history);
      Terminal.out().println("loaded " + history.size() + " messages from " + file);
    } catch (IOException | RuntimeException e) {
      Terminal.out().println(command + ": " + file + " cannot be used: " + e.getMessage());
    }
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

  /** Opens an editor on an empty file and returns what was written. */
  private static String edit() throws IOException {
    Path file = Files.createTempFile("baichuan", ".txt");
    try {
      String editor = System.getenv().getOrDefault("EDITOR", "vim");
      Process process =
          new ProcessBuilder("sh", "-c", editor + " \"$1\"", "sh", file.toString())
              .inheritIO()
              .start();
      if (process.waitFor() != 0) {
        Terminal.out().println("editor " + editor + " failed; set EDITOR to one that is there");
        return "";
      }
      String text = Files.readString(file);
      Terminal.out().println(text);
      return text;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private void answer(String message) {
    Terminal.out().print("\nBaichuan：");
    Terminal.out().flush();
    try (Generation generation = session.send(message, options)) {
      running = Optional.of(generation);
      if (stream) {
        last = ChatCommand.print(generation);
      } else {
        last = generation.result();
        Terminal.out().println(last.text());
      }
      Results.tellLoss(last);
      if (last.finishReason() == FinishReason.CANCELLED) {
        Terminal.out().println("(已中断)");
      }
    } catch (BaichuanException e) {
      Terminal.out().println(e.getMessage());
    } finally {
      running = Optional.empty();
    }
  }
}
