package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class SessionTest {
  @Test
  void aTurnThatFailsIsLoggedAndLeftOutOfTheHistory() {
    List<ChatMessage> before = List.of(ChatMessage.user("你是谁"), ChatMessage.assistant("百川"));
    try (Baichuan model =
            TestDevice.loader("tiny-baichuan2-13b-chat", false)
                .cacheBytes(1 << 20) // fewer pages than the context has
                .load();
        ChatSession session = model.newSession()) {
      session.history(before);
      Generation large = session.send("你好", GenerationOptions.greedy().withMaxNewTokens(900));
      assertThrows(OutOfDeviceMemoryException.class, large::result);
      ByteArrayOutputStream log = new ByteArrayOutputStream();
      PrintStream standardError = System.err;
      System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
      try {
        assertEquals(before, session.history());
      } finally {
        System.setErr(standardError);
      }
      String lines = log.toString(StandardCharsets.UTF_8);
      assertTrue(lines.contains("WARN dev.baichuan4j.ChatSession - a turn failed"), lines);
    }
  }

  @Test
  void aForkGoesOnByItselfAndARewindTakesRoundsBack() {
    GenerationOptions options =
        GenerationOptions.greedy().withMaxNewTokens(TestDevice.isGpu() ? 3 : 12);
    try (Baichuan model = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
        ChatSession session = model.newSession("你是百川")) {
      session.send("请用中文简单介绍一下世界上第一高的山峰", options).result();
      try (ChatSession fork = session.fork()) {
        List<ChatMessage> before = session.history();
        Generation there = fork.send("世界上第二高的山峰是哪座", options);
        Generation here = session.send("你是谁", options);
        assertEquals(before.size() + 2, fork.history().size());
        assertEquals("你是谁", session.history().get(before.size()).content());
        assertTrue(there.result().usage().cachedTokens() > 0);
        session.rewind(1);
        assertEquals(before, session.history());
        assertEquals(
            here.result().text(), session.send("你是谁", options).result().text()); // as before
        assertEquals(
            there.result().text(),
            model.chat(fork.history().subList(0, before.size() + 1), options).result().text());
        session.rewind(2);
        assertEquals(List.of(ChatMessage.system("你是百川")), session.history());
        InvalidRequestException tooMany =
            assertThrows(InvalidRequestException.class, () -> session.rewind(1));
        assertEquals("rounds has 1, expected 0 to 0", tooMany.getMessage());
        assertThrows(InvalidRequestException.class, () -> fork.rewind(-1));
        fork.rewind(0);
        assertEquals(before.size() + 2, fork.history().size());
      }
    }
  }
}
