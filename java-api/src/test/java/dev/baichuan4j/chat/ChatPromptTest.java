package dev.baichuan4j.chat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** With one token a character, its code; the golden conversations are in ChatPromptGoldenTest. */
class ChatPromptTest {

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
    ChatPrompt prompt =
        ChatPrompt.current(
            messages,
            text -> {
              assertNotEquals("never", text);
              return encode(text);
            },
            USER,
            MODEL,
            10,
            5);
    assertEquals(2, prompt.droppedRounds());
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
    return ChatPrompt.current(messages, ChatPromptTest::encode, USER, MODEL, context, maxNewTokens);
  }

  private static ChatPrompt older(List<ChatMessage> messages, int context, int maxNewTokens) {
    return ChatPrompt.older(
        messages, ChatPromptTest::encode, USER, MODEL, END, context, maxNewTokens);
  }

  private static int[] encode(String text) {
    return text.chars().toArray();
  }
}
