package dev.baichuan4j.server.fastchat;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ModelInfo.ChatRoles;
import dev.baichuan4j.Tokenizer;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Makes token ids of prompts. FastChat's servers send a conversation as one text, in which the
 * marks of roles stand between what people wrote. The ids are those that the model was trained on:
 * the id of a mark, and each text between two marks encoded on its own, as {@link Baichuan#chat}
 * does.
 *
 * <p>In one text nobody can tell a mark that the template has put there from one that a person has
 * typed. So the template that this worker gives out has marks which nobody can type, {@code
 * <reserved_106:SEAL>}, with a seal that is drawn when the process starts. In a prompt with sealed
 * marks those of its seal are marks, and everything else is text. A prompt without any comes from a
 * client with a template of its own, and has the marks as the vocabulary has them.
 *
 * <p>FastChat's OpenAI server keeps a template as long as it runs, so a prompt may have the seal of
 * a worker that was started before at the same address. Then its first mark says which seal it has:
 * nothing but the system text stands before that. Immutable.
 */
final class Prompts {
  private static final int SEAL_BYTES = 16;
  private static final String NO_SEAL = "";

  /**
   * How the marks of roles are found.
   *
   * @param pattern a mark, sealed or not; group 1 begins it, group 2 is the seal, or null
   * @param user what begins the mark of the user
   */
  private record Marks(Pattern pattern, String user, int userId, int assistantId) {}

  private final Tokenizer tokenizer;
  private final Conversation template; // with sealed marks
  private final String seal = drawSeal();
  private final Optional<Marks> marks; // none where roles are words

  /**
   * @throws IllegalArgumentException if the vocabulary lacks a mark of the template
   */
  Prompts(Tokenizer tokenizer, Conversation template) {
    this.tokenizer = tokenizer;
    if (template.style() != Conversation.Style.NO_COLON_SINGLE) {
      this.template = template;
      this.marks = Optional.empty();
      return;
    }
    String user = template.roles().user();
    String assistant = template.roles().assistant();
    this.template = template.withRoles(new Conversation.Roles(sealed(user), sealed(assistant)));
    Pattern pattern =
        Pattern.compile(
            "(%s|%s)(?::([0-9a-f]{%d}))?>"
                .formatted(
                    Pattern.quote(begin(user)), Pattern.quote(begin(assistant)), 2 * SEAL_BYTES));
    this.marks = Optional.of(new Marks(pattern, begin(user), id(user), id(assistant)));
  }

  /**
   * Returns prompts of a model.
   *
   * @param template the name of their template; where empty, the one that the roles of the model
   *     ask for: they are what it was trained on, whatever its folder is called
   * @throws IllegalArgumentException if the vocabulary lacks a mark of the template
   */
  static Prompts of(Baichuan model, Optional<String> template) {
    Tokenizer tokenizer = model.tokenizer();
    if (template.isPresent()) {
      return new Prompts(tokenizer, Conversation.BY_NAME.get(template.get()));
    }
    Optional<ChatRoles> ids = model.info().chatRoles();
    if (ids.isEmpty()) {
      return new Prompts(tokenizer, Conversation.ZERO_SHOT);
    }
    Conversation.Roles roles =
        new Conversation.Roles(
            tokenizer.piece(ids.get().user()), tokenizer.piece(ids.get().assistant()));
    Conversation newer = Conversation.BAICHUAN2_CHAT;
    return new Prompts(
        tokenizer,
        roles.equals(newer.roles()) ? newer : Conversation.BAICHUAN_CHAT.withRoles(roles));
  }

  private static String drawSeal() {
    byte[] seal = new byte[SEAL_BYTES];
    new SecureRandom().nextBytes(seal);
    return HexFormat.of().formatHex(seal);
  }

  /** A mark without the bracket that ends it. */
  private static String begin(String mark) {
    return mark.substring(0, mark.length() - 1);
  }

  private String sealed(String mark) {
    return begin(mark) + ":" + seal + ">";
  }

  private int id(String mark) {
    return tokenizer
        .id(mark)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "template: mark has value " + mark + ", expected one of the vocabulary"));
  }

  /** Returns the template that clients are given. */
  Conversation template() {
    return template;
  }

  /** Returns the ids of a prompt; none for the empty text. */
  int[] encode(String prompt) {
    if (marks.isEmpty()) {
      return tokenizer.encode(prompt);
    }
    Marks roles = marks.get();
    String used = seal(prompt, roles);
    IntStream.Builder ids = IntStream.builder();
    int at = 0;
    for (Matcher mark = roles.pattern.matcher(prompt); mark.find(); ) {
      if (used.equals(seal(mark))) {
        IntStream.of(tokenizer.encode(prompt.substring(at, mark.start()))).forEach(ids);
        ids.add(mark.group(1).equals(roles.user) ? roles.userId : roles.assistantId);
        at = mark.end();
      }
    }
    IntStream.of(tokenizer.encode(prompt.substring(at))).forEach(ids);
    return ids.build().toArray();
  }

  /** The seal of the marks of a prompt. */
  private String seal(String prompt, Marks roles) {
    String first = NO_SEAL;
    for (Matcher mark = roles.pattern.matcher(prompt); mark.find(); ) {
      String found = seal(mark);
      if (found.equals(seal)) {
        return seal;
      }
      first = first.equals(NO_SEAL) ? found : first;
    }
    return first;
  }

  private static String seal(Matcher mark) {
    return mark.group(2) == null ? NO_SEAL : mark.group(2);
  }
}
