package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Dry;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Options that act on the text of a model with a tokenizer. */
class TextOptionsTest {
  private static final String PROMPT = "登鹳雀楼->";
  private static final GenerationOptions GREEDY = GenerationOptions.greedy().withMaxNewTokens(24);

  private static Baichuan base;
  private static Baichuan chat;

  @BeforeAll
  static void load() {
    base = TestDevice.loader("tiny-baichuan-7b", false).load();
    chat = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
  }

  @AfterAll
  static void close() {
    base.close();
    chat.close();
  }

  @Test
  void bannedWordsAreNotInTheTextWhereTheyWouldBe() {
    String text = base.complete(PROMPT, GREEDY).text();
    assertEquals("王之涣\n", text);
    for (String word : List.of("涣", "之涣", "王之涣", "\n")) {
      GenerationOptions banned = GREEDY.withMaxNewTokens(8).withBannedWords(word);
      String without = base.complete(PROMPT, banned).text();
      assertFalse(without.contains(word), without);
      GenerationOptions beams = banned.withBeamSearch(new BeamSearch(2, 1));
      String beam = base.complete(PROMPT, beams).text();
      assertFalse(beam.contains(word), beam);
    }
    GenerationOptions begun = GREEDY.withBannedWords("楼->王"); // begins in the prompt
    assertFalse(base.complete(PROMPT, begun).text().startsWith("王"));
  }

  @Test
  void aTextThatIsEchoedBeginsWithThePrompt() {
    GenerationResult plain = base.complete(PROMPT, GREEDY).result();
    Generation generation = base.complete(PROMPT, GREEDY.withEcho(true));
    StringBuilder streamed = new StringBuilder();
    for (Chunk chunk : generation) {
      streamed.append(chunk.text());
    }
    GenerationResult echoed = generation.result();
    assertEquals(PROMPT + plain.text(), echoed.text());
    assertEquals(echoed.text(), streamed.toString());
    assertEquals(plain.tokenIds(), echoed.tokenIds());
    assertEquals(List.of(), echoed.promptLogprobs());
    GenerationResult reported =
        base.complete(PROMPT, GREEDY.withEcho(true).withLogprobs(1)).result();
    assertEquals(plain.usage().promptTokens() - 1, reported.promptLogprobs().size());
  }

  @Test
  void aConversationHasNoEcho() {
    List<ChatMessage> messages = List.of(ChatMessage.user("你好"));
    var e =
        assertThrows(
            InvalidRequestException.class, () -> chat.chat(messages, GREEDY.withEcho(true)));
    assertEquals("echo", e.parameter());
  }

  @Test
  void anAnswerIsAsLongAsItMustBe() {
    List<ChatMessage> messages = List.of(ChatMessage.user("你好"));
    GenerationOptions greedy = GenerationOptions.greedy().withMaxNewTokens(60);
    GenerationResult usual = chat.chat(messages, greedy).result();
    assertEquals(FinishReason.STOP, usual.finishReason());
    int length = usual.tokenIds().size();
    GenerationResult longer = chat.chat(messages, greedy.withMinNewTokens(length)).result();
    assertTrue(longer.tokenIds().size() > length, longer.toString());
    GenerationResult endless = chat.chat(messages, greedy.withIgnoreEnd(true)).result();
    assertEquals(FinishReason.LENGTH, endless.finishReason());
    assertEquals(60, endless.tokenIds().size());
  }

  @Test
  void aBeamSearchEndsBeforeAStopStringAndAtTheEndOfAnAnswer() {
    GenerationOptions beams = GREEDY.withBeamSearch(new BeamSearch(3, 1));
    String text = base.complete(PROMPT, beams).text();
    String stop = text.substring(2, 3);
    GenerationResult stopped = base.complete(PROMPT, beams.withStop(stop)).result();
    assertFalse(stopped.text().contains(stop), stopped.text());
    GenerationResult answer =
        chat.chat(List.of(ChatMessage.user("你好")), beams.withMaxNewTokens(60)).result();
    assertEquals(FinishReason.STOP, answer.finishReason());
  }

  @Test
  void aTextEndsAfterAStopTokenAndHasItsText() {
    GenerationResult plain = base.complete(PROMPT, GREEDY).result();
    int token = plain.tokenIds().get(3);
    int first = plain.tokenIds().indexOf(token);
    List<Integer> expected = plain.tokenIds().subList(0, first + 1);
    GenerationResult stopped = base.complete(PROMPT, GREEDY.withStopTokens(token)).result();
    assertEquals(expected, stopped.tokenIds());
    assertEquals(FinishReason.STOP, stopped.finishReason());
    assertTrue(plain.text().startsWith(stopped.text()), stopped.text());
    assertFalse(stopped.text().isEmpty());
    // What a stop string might have begun with is given out.
    String last = stopped.text().substring(stopped.text().length() - 1);
    GenerationOptions both = GREEDY.withStopTokens(token).withStop(last + "\u0001");
    assertEquals(stopped.text(), base.complete(PROMPT, both).text());
    GenerationOptions beams = GREEDY.withBeamSearch(new BeamSearch(3, 1));
    int found = base.complete(PROMPT, beams).result().tokenIds().get(2);
    GenerationResult ended = base.complete(PROMPT, beams.withStopTokens(found)).result();
    assertEquals(-1, ended.tokenIds().subList(0, ended.tokenIds().size() - 1).indexOf(found));
  }

  @Test
  void theHistoryOfASessionHasTheFirstChoice() {
    try (ChatSession session = chat.newSession()) {
      GenerationOptions draw =
          GenerationOptions.unmodified().withSeed(4).withMaxNewTokens(12).withChoices(3);
      Generation answer = session.send("你好", draw);
      assertEquals(3, answer.choices().size());
      assertEquals(answer.text(), session.history().get(1).content());
    }
  }

  @Test
  void dryEndsARepetition() {
    String repeated = PROMPT + "王之涣\n" + PROMPT;
    GenerationOptions one = GREEDY.withMaxNewTokens(1);
    GenerationOptions dry = one.withDry(new Dry(20, 2, 2, List.of("\n")));
    GenerationOptions broken = one.withDry(new Dry(20, 2, 2, List.of("\n", "->")));
    String usual = base.complete(repeated, one).text();
    assertEquals("王", usual);
    assertNotEquals(usual, base.complete(repeated, dry).text());
    assertEquals(usual, base.complete(repeated, broken).text());
  }
}
