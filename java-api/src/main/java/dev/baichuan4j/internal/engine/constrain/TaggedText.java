package dev.baichuan4j.internal.engine.constrain;

import java.util.List;

/**
 * A language of content and tagged parts: calls of functions, say, each a JSON object between two
 * marks. Behind a tagged part the text ends, or a line break and the next one follow.
 *
 * @param content what may stand before the first tagged part
 * @param trigger with which every tagged part begins: characters of ASCII, of which the first
 *     occurs once; free content does not have it
 * @param tags the parts
 * @param several whether more than one may come
 */
public record TaggedText(Content content, String trigger, List<Tag> tags, boolean several) {

  /** What may stand before the first tagged part. */
  public sealed interface Content {}

  /** Nothing: there is at least one tagged part. */
  public record None() implements Content {}

  /**
   * Any text without the trigger, and behind it tagged parts or none.
   *
   * @param text the automaton of such texts, of {@link TaggedText#without}: all constraints of one
   *     trigger share it, and the masks of its states
   */
  public record Free(Dfa text) implements Content {}

  /**
   * A text of a language, or else tagged parts.
   *
   * @param language no text of it begins as the trigger does
   */
  public record Bound(CompiledConstraint language) implements Content {}

  /**
   * A tagged part.
   *
   * @param begin what it begins with; it is not the beginning of another tag's
   * @param inside the language of what follows; none of its texts is the beginning of another
   * @param end what it ends with, not empty
   */
  public record Tag(String begin, CompiledConstraint inside, String end) {}

  /** Returns a new automaton of the texts in which a trigger does not occur. */
  public static Dfa without(String trigger) {
    return Regex.concat(Regex.ANY_TEXT, Regex.literal(trigger), Regex.ANY_TEXT).complement().dfa();
  }

  /** Returns a new machine. */
  ByteMachine machine() {
    return new TaggedMachine(this);
  }
}
