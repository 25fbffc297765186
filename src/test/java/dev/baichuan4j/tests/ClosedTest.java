package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationListener;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.LogitsConsumer;
import dev.baichuan4j.RequestListener;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is closed says so, whichever of its methods is called. */
@Timeout(60)
class ClosedTest {
  private static final List<Object> ARGUMENTS =
      List.of(
          "你好",
          List.of(ChatMessage.user("你好")),
          GenerationOptions.greedy(),
          new int[] {1},
          Path.of("no-such-file"),
          Duration.ofSeconds(1),
          (Executor) Runnable::run,
          (GenerationListener) chunk -> {},
          (LogitsConsumer) (position, row) -> {},
          (RequestListener) request -> {},
          (Consumer<Object>) chunk -> {});

  private static Object argument(Class<?> type) {
    if (type == int.class) {
      return 0;
    }
    if (type == boolean.class) {
      return false;
    }
    return ARGUMENTS.stream()
        .filter(type::isInstance)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no argument of " + type));
  }

  /** Calls every public method of a type but those that are allowed after closing. */
  private static <T> void assertClosed(
      Class<T> type, T closed, String message, Set<String> allowed) {
    int calls = 0;
    for (Method method : type.getMethods()) {
      if (Modifier.isStatic(method.getModifiers()) || allowed.contains(method.getName())) {
        continue;
      }
      Object[] arguments =
          Arrays.stream(method.getParameterTypes()).map(ClosedTest::argument).toArray();
      InvocationTargetException e =
          assertThrows(
              InvocationTargetException.class,
              () -> method.invoke(closed, arguments),
              method::toString);
      assertEquals(IllegalStateException.class, e.getCause().getClass(), method::toString);
      assertEquals(message, e.getCause().getMessage(), method::toString);
      calls++;
    }
    assertTrue(calls > 2, "methods: " + calls);
  }

  @Test
  void everyMethodOfAClosedModelSessionAndGenerationSaysSo() {
    Baichuan model = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
    Generation generation = model.complete("你好", Endless.answer(model));
    generation.close();
    assertClosed(Generation.class, generation, "generation is closed", Set.of("close", "cancel"));
    generation.cancel();
    generation.close();

    Generation ended = model.complete("你好", GenerationOptions.greedy().withMaxNewTokens(3));
    ended.result();
    ended.close();
    assertClosed(Generation.class, ended, "generation is closed", Set.of("close", "cancel"));

    ChatSession session = model.newSession();
    Generation answer = session.send("你好", Endless.answer(model));
    session.close();
    assertEquals(FinishReason.CANCELLED, answer.result().finishReason());
    assertClosed(ChatSession.class, session, "session is closed", Set.of("close"));
    session.close();

    ChatSession open = model.newSession();
    Generation running = open.send("你好", Endless.answer(model));
    model.close();
    assertClosed(Baichuan.class, model, "model is closed", Set.of("close"));
    model.close();
    assertEquals(
        "model is closed", assertThrows(IllegalStateException.class, running::result).getMessage());
    assertEquals(
        "model is closed",
        assertThrows(IllegalStateException.class, () -> running.forEach(chunk -> {})).getMessage());
    assertEquals(
        "model is closed",
        assertThrows(IllegalStateException.class, () -> open.send("你好")).getMessage());
    open.close();
  }
}
