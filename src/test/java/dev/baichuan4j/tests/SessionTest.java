package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
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
}
