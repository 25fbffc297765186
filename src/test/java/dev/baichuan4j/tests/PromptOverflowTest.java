package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.PromptOverflow;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Conversations and texts that are too long for the context: nothing is lost without a word. */
class PromptOverflowTest {
  private static final String CHAT = "tiny-baichuan2-13b-chat"; // advises 256 new tokens
  private static final List<ChatMessage> QUESTION = List.of(ChatMessage.user("你是谁"));
  private static final List<ChatMessage> WITH_SYSTEM =
      List.of(ChatMessage.system("你是一个乐于助人的诗人，只用古文回答。"), ChatMessage.user("你是谁"));

  private static Baichuan load(int context) {
    return TestDevice.loader(CHAT, false).contextLength(context).load();
  }

  private static int tokens(Baichuan model, String text) {
    return model.tokenizer().encode(text).length;
  }

  @Test
  void theAdvisedLimitGivesWayToTheMessage() {
    GenerationResult roomy;
    try (Baichuan model = load(1024)) {
      roomy = model.chat(QUESTION, GenerationOptions.greedy()).result();
    }
    for (int context : new int[] {257, 256, 64, 32}) {
      try (Baichuan model = load(context)) {
        assertEquals(256, model.info().maxNewTokens());
        int prompt = tokens(model, "你是谁") + 2;
        assertEquals(prompt, model.chat("你是谁").result().usage().promptTokens());
        GenerationResult tight = model.chat(QUESTION, GenerationOptions.greedy()).result();
        assertEquals(prompt, tight.usage().promptTokens());
        assertTrue(roomy.text().startsWith(tight.text()), tight.text());
        assertEquals(0, tight.droppedRounds());
        assertEquals(0, tight.cutTokens());
        assertTrue(
            tight.finishReason() == FinishReason.STOP || tight.usage().totalTokens() == context,
            tight::toString);
      }
    }
  }

  @Test
  void theAdvisedLimitGivesWayToTheSystemText() {
    try (Baichuan model = load(260)) {
      int system = tokens(model, WITH_SYSTEM.get(0).content());
      GenerationResult answer = model.chat(WITH_SYSTEM, GenerationOptions.greedy()).result();
      assertEquals(system + tokens(model, "你是谁") + 2, answer.usage().promptTokens());
      try (ChatSession session = model.newSession(WITH_SYSTEM.get(0).content())) {
        GenerationResult turn = session.send("你是谁", GenerationOptions.greedy()).result();
        assertEquals(answer.tokenIds(), turn.tokenIds());
      }
    }
  }

  @Test
  void aLimitOfTheCallersIsKeptFreeOrRefusedWithAllNumbers() {
    try (Baichuan model = load(1024)) {
      int system = tokens(model, WITH_SYSTEM.get(0).content());
      int message = tokens(model, "你是谁") + 2;
      int most = 1024 - system - message;
      GenerationOptions greedy = GenerationOptions.greedy();
      for (PromptOverflow way : List.of(PromptOverflow.DROP_OLDEST_ROUNDS, PromptOverflow.FAIL)) {
        GenerationOptions options = greedy.withPromptOverflow(way);
        assertEquals(
            system + message,
            model
                .chat(WITH_SYSTEM, options.withMaxNewTokens(most))
                .result()
                .usage()
                .promptTokens());
        for (int newTokens : new int[] {most + 1, 4096, Integer.MAX_VALUE}) {
          ContextOverflowException e =
              assertThrows(
                  ContextOverflowException.class,
                  () -> model.chat(WITH_SYSTEM, options.withMaxNewTokens(newTokens)));
          assertEquals(
              "context: request has "
                  + system
                  + " tokens of the system text, "
                  + message
                  + " of the messages that must not be left out and "
                  + newTokens
                  + " new tokens to come, expected at most 1024 together; ask for at most "
                  + most
                  + " new tokens, shorten the messages, or load with a longer context",
              e.getMessage());
        }
      }
      String tooLong = "世界上第二高的山峰是哪座".repeat(200);
      ContextOverflowException e =
          assertThrows(ContextOverflowException.class, () -> model.chat(tooLong));
      assertEquals(1, e.newTokens());
      assertEquals(tokens(model, tooLong) + 2, e.promptTokens());
    }
  }

  /** The same rule as for a conversation. */
  @Test
  void aLimitOfTheCallersBesideATextIsKeptFreeOrRefused() {
    try (Baichuan model = TestDevice.loader("tiny-baichuan-7b", false).contextLength(64).load()) {
      int prompt = tokens(model, "登鹳雀楼->王之涣\n夜雨寄北->");
      GenerationOptions greedy = GenerationOptions.greedy();
      GenerationResult all =
          model.complete("登鹳雀楼->王之涣\n夜雨寄北->", greedy.withMaxNewTokens(64 - prompt)).result();
      GenerationResult advised = model.complete("登鹳雀楼->王之涣\n夜雨寄北->", greedy).result();
      assertEquals(all.tokenIds(), advised.tokenIds());
      assertTrue(
          all.finishReason() == FinishReason.STOP || all.usage().totalTokens() == 64,
          all::toString);
      ContextOverflowException e =
          assertThrows(
              ContextOverflowException.class,
              () -> model.complete("登鹳雀楼->王之涣\n夜雨寄北->", greedy.withMaxNewTokens(65 - prompt)));
      assertEquals(
          List.of(prompt, 65 - prompt, 64),
          List.of(e.promptTokens(), e.newTokens(), e.contextLength()));
    }
  }

  @Test
  void aSessionDropsItsOldestRoundsOneByOneAndKeepsItsHistory() {
    GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(16);
    try (Baichuan model = load(96);
        ChatSession session = model.newSession("你是百川")) {
      List<Integer> dropped = new ArrayList<>();
      int systemTokens = tokens(model, "你是百川");
      for (int turn = 0; turn < 10; turn++) {
        String message = "世界上第二高的山峰是哪座" + "呢".repeat(turn % 3);
        List<ChatMessage> whole = new ArrayList<>(session.history());
        whole.add(ChatMessage.user(message));
        GenerationResult answer = session.send(message, options).result();
        GenerationResult fresh = model.chat(whole, options).result();
        assertEquals(fresh.tokenIds(), answer.tokenIds(), "turn " + turn);
        assertEquals(fresh.droppedRounds(), answer.droppedRounds());
        assertEquals(fresh.usage().promptTokens(), answer.usage().promptTokens());
        assertTrue(answer.usage().promptTokens() + 16 <= 96, answer::toString);
        int previous = dropped.isEmpty() ? 0 : dropped.get(turn - 1);
        assertTrue(answer.droppedRounds() - previous <= 2, dropped + ", " + answer);
        // What is left of the cache is used: all before the message, or the system text.
        int cached = answer.usage().cachedTokens();
        if (turn > 0 && answer.droppedRounds() == previous) {
          assertTrue(cached > systemTokens, answer::toString);
        } else if (turn > 0) {
          assertTrue(cached >= systemTokens, answer::toString);
        }
        dropped.add(answer.droppedRounds());
        assertEquals(whole.size() + 1, session.history().size());
      }
      assertEquals(dropped.stream().sorted().toList(), dropped);
      assertEquals(0, dropped.get(0));
      assertTrue(dropped.get(9) > 5, dropped::toString);
    }
  }

  /** Advice displaces older rounds as far as they take more than half of the context. */
  @Test
  void olderRoundsLeaveTheAdvisedLimitHalfOfTheContext() {
    try (Baichuan model = load(64)) {
      List<ChatMessage> messages = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        messages.add(ChatMessage.user("你好"));
        messages.add(ChatMessage.assistant("你好"));
      }
      messages.add(ChatMessage.user("你是谁"));
      int round = 2 * (tokens(model, "你好") + 1);
      int newest = tokens(model, "你是谁") + 2;
      int kept = (32 - newest) / round;
      GenerationResult answer = model.chat(messages, GenerationOptions.greedy()).result();
      assertEquals(6 - kept, answer.droppedRounds());
      assertEquals(newest + kept * round, answer.usage().promptTokens());
      assertThrows(
          ContextOverflowException.class,
          () ->
              model.chat(
                  messages,
                  GenerationOptions.greedy()
                      .withMaxNewTokens(32)
                      .withPromptOverflow(PromptOverflow.FAIL)));
    }
  }

  @Test
  void thePublishersWayCutsAndTellsIt() {
    GenerationOptions options =
        GenerationOptions.greedy().withPromptOverflow(PromptOverflow.PUBLISHER);
    try (Baichuan model = load(256)) {
      GenerationResult answer = model.chat(QUESTION, options).result();
      assertEquals(1, answer.usage().promptTokens());
      assertEquals(tokens(model, "你是谁") + 1, answer.cutTokens());
    }
  }
}
