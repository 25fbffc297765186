package dev.baichuan4j.internal.chat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PromptFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * With one token a character, its code. The published builder is held by conversations of the
 * publisher's in ChatTemplateGoldenTest.
 */
class ChatTemplateTest {

  private static final int USER = 195;
  private static final int MODEL = 196;
  private static final int END = 2;
  private static final List<ChatMessage> TWO_ROUNDS =
      List.of(ChatMessage.user("ab"), ChatMessage.assistant("c"), ChatMessage.user("d"));

  @Test
  void everyMessageFollowsItsRole() {
    ChatPrompt prompt = current(TWO_ROUNDS, 100, 10);
    assertArrayEquals(new int[] {USER, 'a', 'b', MODEL, 'c', USER, 'd', MODEL}, prompt.ids());
    assertEquals(0, prompt.droppedRounds());
    assertEquals(0, prompt.cutTokens());
  }

  @Test
  void olderBuilderEndsEachAnswer() {
    assertArrayEquals(
        new int[] {USER, 'a', 'b', MODEL, 'c', END, USER, 'd', MODEL},
        older(TWO_ROUNDS, 100, 10).ids());
  }

  @Test
  void systemTextStandsInFrontWithoutRole() {
    List<ChatMessage> messages = List.of(ChatMessage.system("s"), ChatMessage.user("d"));
    assertArrayEquals(new int[] {'s', USER, 'd', MODEL}, current(messages, 100, 10).ids());
  }

  @Test
  void aLastMessageOfTheModelIsContinuedByTheCurrentBuilderAlone() {
    List<ChatMessage> messages = TWO_ROUNDS.subList(0, 2);
    assertArrayEquals(new int[] {USER, 'a', 'b', MODEL, 'c'}, current(messages, 100, 10).ids());
    assertArrayEquals(
        new int[] {USER, 'a', 'b', MODEL, 'c', END, MODEL}, older(messages, 100, 10).ids());
  }

  @Test
  void theOldestRoundIsLeftOutWhereItDoesNotFit() {
    ChatPrompt prompt = current(TWO_ROUNDS, 10, 4); // 7 tokens of history, room for 6
    assertArrayEquals(new int[] {USER, 'd', MODEL}, prompt.ids());
    assertEquals(1, prompt.droppedRounds());
    assertEquals(1, older(TWO_ROUNDS, 10, 3).droppedRounds()); // 8 tokens with the end, room for 7
    assertEquals(0, older(TWO_ROUNDS, 10, 2).droppedRounds());
  }

  @Test
  void historyOfJustTheRoomLosesATokenToTheLastRole() {
    ChatPrompt prompt = current(TWO_ROUNDS, 11, 4);
    assertArrayEquals(new int[] {'a', 'b', MODEL, 'c', USER, 'd', MODEL}, prompt.ids());
    assertEquals(1, prompt.cutTokens());
  }

  @Test
  void theNewestRoundIsCutFromTheLeft() {
    List<ChatMessage> messages = List.of(ChatMessage.system("s"), ChatMessage.user("abcdefgh"));
    ChatPrompt prompt = current(messages, 10, 6);
    assertArrayEquals(new int[] {'f', 'g', 'h', MODEL}, prompt.ids());
    assertEquals(7, prompt.cutTokens());
  }

  @Test
  void olderBuilderKeepsHalfOfTheContextAndAddsTheRoleAfterTheCut() {
    ChatPrompt prompt = older(List.of(ChatMessage.user("abcdefgh")), 10, 8);
    assertArrayEquals(new int[] {'d', 'e', 'f', 'g', 'h', MODEL}, prompt.ids());
    assertEquals(4, prompt.cutTokens());
  }

  @Test
  void roundsThatDoNotFitAreNotEncoded() {
    List<ChatMessage> messages =
        List.of(ChatMessage.user("never"), ChatMessage.user("long"), ChatMessage.user("x"));
    ChatTemplate template =
        new ChatTemplate(
            PromptFormat.CURRENT,
            text -> {
              assertNotEquals("never", text);
              return encode(text);
            },
            USER,
            MODEL,
            END,
            10);
    assertEquals(2, template.published(messages, 5).droppedRounds());
    assertEquals(2, template.dropOldestRounds(messages, 5, 1).droppedRounds());
  }

  @Test
  void roundsAreDroppedOneByOneAsTheContextShrinks() {
    // Rounds of 5 and 4 tokens, and 3 for the newest and the answer; 2 of the system; 4 new ones.
    List<ChatMessage> messages =
        List.of(
            ChatMessage.system("ss"),
            ChatMessage.user("ab"),
            ChatMessage.assistant("c"),
            ChatMessage.user("d"),
            ChatMessage.assistant("e"),
            ChatMessage.user("f"));
    int[] rounds = new int[20];
    for (int context = 9; context < 20; context++) {
      ChatPrompt prompt = template(PromptFormat.CURRENT, context).dropOldestRounds(messages, 4, 4);
      rounds[context] = prompt.droppedRounds();
      assertEquals('s', prompt.ids()[0]);
      assertEquals(0, prompt.cutTokens());
    }
    assertArrayEquals(
        new int[] {2, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0}, Arrays.copyOfRange(rounds, 9, 20));
    ContextOverflowException e =
        assertThrows(
            ContextOverflowException.class,
            () -> template(PromptFormat.CURRENT, 8).dropOldestRounds(messages, 4, 4));
    assertEquals(
        List.of(2, 5, 4, 8),
        List.of(e.systemTokens(), e.promptTokens(), e.newTokens(), e.contextLength()));
    // What is only wished for gives way down to what is needed.
    assertEquals(
        2, template(PromptFormat.CURRENT, 6).dropOldestRounds(messages, 4, 1).droppedRounds());
    assertThrows(
        ContextOverflowException.class,
        () -> template(PromptFormat.CURRENT, 5).dropOldestRounds(messages, 4, 1));
  }

  @Test
  void theWholeConversationOrNothing() {
    ChatTemplate template = template(PromptFormat.CURRENT, 12);
    assertArrayEquals(
        new int[] {USER, 'a', 'b', MODEL, 'c', USER, 'd', MODEL},
        template.whole(TWO_ROUNDS, 4).ids());
    ContextOverflowException e =
        assertThrows(ContextOverflowException.class, () -> template.whole(TWO_ROUNDS, 5));
    assertEquals(8, e.promptTokens());
  }

  /** Against a plain statement of the rule, over conversations of all sizes. */
  @ParameterizedTest
  @EnumSource(PromptFormat.class)
  void keepsAsManyOfTheNewestRoundsAsFitAndCutsNothing(PromptFormat format) {
    SplittableRandom random = new SplittableRandom(12);
    int refused = 0;
    int shortened = 0;
    for (int run = 0; run < 5000; run++) {
      List<ChatMessage> messages = conversation(random, format);
      int context = 2 + random.nextInt(60);
      int wanted = 1 + random.nextInt(context);
      int least = 1 + random.nextInt(wanted);
      boolean system = messages.get(0).role() == ChatMessage.Role.SYSTEM;
      List<Integer> starts = new ArrayList<>(); // of rounds
      for (int i = system ? 1 : 0; i < messages.size(); i++) {
        if (starts.isEmpty() || messages.get(i).role() == ChatMessage.Role.USER) {
          starts.add(i);
        }
      }
      ChatTemplate template = template(format, context);
      // The ids without each number of the oldest rounds, and which of them may be asked with.
      int most = Math.max(0, starts.size() - 1);
      List<int[]> ids = new ArrayList<>();
      for (int dropped = 0; dropped <= most; dropped++) {
        List<ChatMessage> kept = new ArrayList<>(system ? messages.subList(0, 1) : List.of());
        if (!starts.isEmpty()) {
          kept.addAll(messages.subList(starts.get(dropped), messages.size()));
        }
        ids.add(template(format, 1 << 20).whole(kept, 1).ids());
      }
      int expected = 0;
      while (expected < most && ids.get(expected).length + wanted > context) {
        expected++;
      }
      if (ids.get(most).length + least > context) {
        refused++;
        ContextOverflowException e =
            assertThrows(
                ContextOverflowException.class,
                () -> template.dropOldestRounds(messages, wanted, least));
        assertEquals(ids.get(most).length, e.promptTokens());
        assertEquals(system ? messages.get(0).content().length() : 0, e.systemTokens());
        assertEquals(least, e.newTokens());
        assertEquals(context, e.contextLength());
      } else {
        shortened += expected > 0 ? 1 : 0;
        ChatPrompt prompt = template.dropOldestRounds(messages, wanted, least);
        assertEquals(expected, prompt.droppedRounds());
        assertArrayEquals(ids.get(expected), prompt.ids());
        assertEquals(0, prompt.cutTokens());
      }
    }
    assertTrue(refused > 500 && shortened > 500, refused + " refused, " + shortened + " shortened");
  }

  private static List<ChatMessage> conversation(SplittableRandom random, PromptFormat format) {
    List<ChatMessage> messages = new ArrayList<>();
    if (format == PromptFormat.CURRENT && random.nextInt(2) == 0) {
      messages.add(ChatMessage.system("s".repeat(random.nextInt(12))));
    }
    int count = (messages.isEmpty() ? 1 : 0) + random.nextInt(9);
    for (int i = 0; i < count; i++) {
      String text = "x".repeat(random.nextInt(9));
      boolean user =
          random.nextInt(5) > 1 || (i == 0 && format == PromptFormat.OLDER); // its first is a user
      messages.add(user ? ChatMessage.user(text) : ChatMessage.assistant(text));
    }
    return messages;
  }

  @Test
  void rejectsMaxNewTokensThatLeaveNoRoomForThePrompt() {
    for (int maxNewTokens : new int[] {0, 100, 101}) {
      var e = rejects(() -> current(TWO_ROUNDS, 100, maxNewTokens));
      assertEquals("maxNewTokens", e.parameter());
      assertEquals("maxNewTokens", rejects(() -> older(TWO_ROUNDS, 100, maxNewTokens)).parameter());
    }
  }

  @Test
  void rejectsRolesOutOfPlace() {
    ChatMessage system = ChatMessage.system("s");
    ChatMessage user = ChatMessage.user("u");
    var e = rejects(() -> current(List.of(user, system), 100, 10));
    assertEquals("messages[1].role", e.parameter());
    assertEquals(
        "messages[1].role has SYSTEM, expected USER or ASSISTANT after the first message",
        e.getMessage());
    assertEquals(
        "messages[0].role", rejects(() -> older(List.of(system, user), 100, 10)).parameter());
    assertEquals(
        "messages[1].role", rejects(() -> older(List.of(user, system), 100, 10)).parameter());
    List<ChatMessage> answerFirst = List.of(ChatMessage.assistant("a"), user);
    assertEquals("messages[0].role", rejects(() -> older(answerFirst, 100, 10)).parameter());
  }

  @Test
  void rejectsAnEmptyConversation() {
    assertEquals("messages", rejects(() -> current(List.of(), 100, 10)).parameter());
    assertEquals("messages", rejects(() -> older(List.of(), 100, 10)).parameter());
  }

  private static InvalidRequestException rejects(Executable conversation) {
    return assertThrows(InvalidRequestException.class, conversation);
  }

  private static ChatPrompt current(List<ChatMessage> messages, int context, int maxNewTokens) {
    return template(PromptFormat.CURRENT, context).published(messages, maxNewTokens);
  }

  private static ChatPrompt older(List<ChatMessage> messages, int context, int maxNewTokens) {
    return template(PromptFormat.OLDER, context).published(messages, maxNewTokens);
  }

  private static ChatTemplate template(PromptFormat format, int context) {
    return new ChatTemplate(format, ChatTemplateTest::encode, USER, MODEL, END, context);
  }

  private static int[] encode(String text) {
    return text.chars().toArray();
  }
}
