package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.jinja.None;
import dev.baichuan4j.internal.jinja.TemplateException;
import dev.baichuan4j.internal.jinja.Text;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Makes prompts by the chat template of a checkpoint. An answer at the end of a conversation is
 * continued: the prompt ends behind what is there of it.
 *
 * <p>What messages say is marked as given, so that {@link MarkedText} knows which special tokens
 * are the template's, whatever it does to the text of messages.
 */
public final class JinjaPrompt implements PromptBuilder {
  private static final String TOOLS = "tools";

  private final TemplateFile file;
  private final MarkedText encoder;
  private final int contextLength;
  private final Supplier<LocalDateTime> clock;
  private final TemplateVariables variables;

  /**
   * @param contextLength positions of the model
   * @param clock the time that a template may write
   */
  public JinjaPrompt(
      TemplateFile file, Tokenizer tokenizer, int contextLength, Supplier<LocalDateTime> clock) {
    this(file, new MarkedText(tokenizer), contextLength, clock, TemplateVariables.NONE);
  }

  private JinjaPrompt(
      TemplateFile file,
      MarkedText encoder,
      int contextLength,
      Supplier<LocalDateTime> clock,
      TemplateVariables variables) {
    this.file = file;
    this.encoder = encoder;
    this.contextLength = contextLength;
    this.clock = clock;
    this.variables = variables;
  }

  /**
   * Returns a builder of prompts by the same template that is given variables, too.
   *
   * @throws InvalidRequestException if one has the name of a special token of the model
   */
  public JinjaPrompt with(TemplateVariables variables) {
    for (String name : variables.values().keySet()) {
      if (file.specialTokens().containsKey(name)) {
        throw new InvalidRequestException(
            "templateVariables." + name, "a value", "none: it is a special token of the model");
      }
    }
    return new JinjaPrompt(file, encoder, contextLength, clock, variables);
  }

  @Override
  public ChatPrompt dropOldestRounds(
      List<ChatMessage> messages, int newTokens, int leastNewTokens) {
    int[] whole = encode(messages);
    if ((long) whole.length + newTokens <= contextLength) {
      return ChatPrompt.whole(whole);
    }
    boolean hasSystem = messages.get(0).role() == Role.SYSTEM;
    List<Integer> rounds = rounds(messages, hasSystem ? 1 : 0);
    // The fewest that leave room: a prompt with fewer rounds is shorter.
    int low = 1;
    int high = Math.max(0, rounds.size() - 1);
    while (low < high) {
      int middle = (low + high) / 2;
      int length = encode(without(messages, rounds.get(middle), hasSystem)).length;
      if ((long) length + newTokens <= contextLength) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    int[] ids = high == 0 ? whole : encode(without(messages, rounds.get(high), hasSystem));
    requireRoom(ids, leastNewTokens);
    return new ChatPrompt(ids, high, 0);
  }

  /**
   * Returns where rounds begin: at the first message behind the system text, and at each user's,
   * but not at results of tools, which the calls before them belong to.
   */
  private List<Integer> rounds(List<ChatMessage> messages, int first) {
    List<Integer> rounds = new ArrayList<>();
    for (int i = first; i < messages.size(); i++) {
      boolean asks = messages.get(i).role() == Role.USER && !hasParts(messages.get(i));
      if (i == first || asks) {
        rounds.add(i);
      }
    }
    return rounds;
  }

  private static List<ChatMessage> without(
      List<ChatMessage> messages, int begin, boolean hasSystem) {
    List<ChatMessage> rest = new ArrayList<>();
    if (hasSystem) {
      rest.add(messages.get(0));
    }
    rest.addAll(messages.subList(begin, messages.size()));
    return rest;
  }

  @Override
  public ChatPrompt whole(List<ChatMessage> messages, int newTokens) {
    int[] ids = encode(messages);
    requireRoom(ids, newTokens);
    return ChatPrompt.whole(ids);
  }

  private void requireRoom(int[] ids, int newTokens) {
    if ((long) ids.length + newTokens > contextLength) {
      throw new ContextOverflowException(ids.length, newTokens, contextLength);
    }
  }

  @Override
  public ChatPrompt published(List<ChatMessage> messages, int newTokens) {
    throw new InvalidRequestException(
        "promptOverflow",
        "PUBLISHER",
        "DROP_OLDEST_ROUNDS or FAIL: the code that is published with chat templates cuts nothing");
  }

  private int[] encode(List<ChatMessage> messages) {
    return encoder.encode(text(messages));
  }

  /** Returns the prompt as a text. */
  Text text(List<ChatMessage> messages) {
    if (messages.isEmpty()) {
      throw new InvalidRequestException("messages", "no message", "at least one");
    }
    for (int i = 1; i < messages.size(); i++) {
      if (messages.get(i).role() == Role.SYSTEM) {
        throw new InvalidRequestException(
            "messages[" + i + "].role", Role.SYSTEM, "USER or ASSISTANT after the first message");
      }
    }
    ChatMessage last = messages.get(messages.size() - 1);
    if (last.role() != Role.ASSISTANT) {
      return render(messages, true);
    }
    if (last.content().isBlank() && messages.size() > 1) {
      return render(messages.subList(0, messages.size() - 1), true); // nothing to go on with
    }
    return upToAnswer(render(messages, false), last.content());
  }

  /** Cuts a prompt behind its last answer, as {@code continue_final_message} of transformers. */
  private static Text upToAnswer(Text text, String answer) {
    String said = answer.strip();
    int at = text.toString().lastIndexOf(said);
    if (at < 0 || said.isEmpty() || !text.isGiven(at) || !text.isGiven(at + said.length() - 1)) {
      throw new InvalidRequestException(
          "messages",
          "messages end with an answer that the chat template does not write as it is, expected a"
              + " message of the user's at the end");
    }
    String tail = answer.substring(answer.indexOf(said));
    boolean hasTail = text.toString().startsWith(tail, at);
    return text.slice(0, at + (hasTail ? tail.length() : said.length()));
  }

  private Text render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    Map<String, Object> given = new HashMap<>(file.specialTokens());
    given.put(TOOLS, None.NONE);
    variables.values().forEach((name, value) -> given.put(name, TemplateMessages.given(value)));
    given.put(
        "messages",
        messages.stream()
            .flatMap(m -> hasParts(m) ? TemplateMessages.ofTools(m) : TemplateMessages.of(m))
            .toList());
    given.put("add_generation_prompt", addGenerationPrompt);
    given.put("documents", None.NONE);
    try {
      return file.template().render(given, clock.get());
    } catch (TemplateException e) {
      if (e.kind() == TemplateException.Kind.RAISED) {
        throw new InvalidRequestException(
            "messages",
            "messages are refused by line %d of the chat template: %s"
                .formatted(e.line(), e.getMessage()));
      }
      throw TemplateFile.broken(file.file(), e);
    }
  }

  /** Whether the template is told of tools, and the message has calls of them or results. */
  private boolean hasParts(ChatMessage message) {
    return variables.values().containsKey(TOOLS) && !message.toolParts().isEmpty();
  }
}
