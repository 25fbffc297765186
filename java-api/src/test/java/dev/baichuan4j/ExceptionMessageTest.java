package dev.baichuan4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ExceptionMessageTest {

  @Test
  void formatProblemNamesFileSubjectExpectedAndFound() {
    IOException cause = new IOException();
    ModelFormatException e =
        new ModelFormatException(
            Path.of("model.safetensors"), "model.norm.weight", "[4096]", "shape [4095]", cause);
    assertEquals(
        "model.safetensors: model.norm.weight has shape [4095], expected [4096]", e.getMessage());
    assertEquals("model.safetensors", e.file());
    assertEquals("model.norm.weight", e.subject());
    assertEquals("[4096]", e.expected());
    assertEquals("shape [4095]", e.found());
    assertEquals(cause, e.getCause());
  }

  @Test
  void sessionProblemNamesFileSubjectExpectedAndFound() {
    SessionFormatException e =
        new SessionFormatException(
            Path.of("chat.session"), "page 3", "90b7e001", "checksum 5a0c33f1", null);
    assertEquals("chat.session: page 3 has checksum 5a0c33f1, expected 90b7e001", e.getMessage());
    assertEquals("chat.session", e.file());
    assertEquals("page 3", e.subject());
    assertEquals("90b7e001", e.expected());
    assertEquals("checksum 5a0c33f1", e.found());
  }

  @Test
  void requestProblemNamesItsParameter() {
    InvalidRequestException e =
        new InvalidRequestException("temperature", -1.0, "a number of at least 0");
    assertEquals("temperature", e.parameter());
    assertEquals("temperature has -1.0, expected a number of at least 0", e.getMessage());
  }

  @Test
  void memoryProblemSaysHowMuchAndWhatToLower() {
    OutOfDeviceMemoryException e = new OutOfDeviceMemoryException(3 << 20, 1 << 19);
    assertEquals(3 << 20, e.neededBytes());
    assertEquals(1 << 19, e.freeBytes());
    assertEquals(
        "device memory: has 0.5 MiB free, expected 3.0 MiB; load with smaller weights (int8, int4),"
            + " a shorter context, an int8 cache or fewer concurrent requests",
        e.getMessage());
    assertTrue(
        new OutOfDeviceMemoryException(-1, -1)
            .getMessage()
            .startsWith("device memory: has an unknown amount free, expected an unknown amount;"));
  }

  @Test
  void limitsAreNamed() {
    ContextOverflowException context = new ContextOverflowException(5000, 0, 4096);
    assertEquals(5000, context.promptTokens());
    assertEquals(4096, context.contextLength());
    assertEquals(
        "context: request has 5000 tokens of the prompt, expected at most 4096 together; shorten"
            + " the prompt, or load with a longer context",
        context.getMessage());
    ContextOverflowException chat = new ContextOverflowException(10, 4, 2048, 1024);
    assertEquals(10, chat.systemTokens());
    assertEquals(14, chat.promptTokens());
    assertEquals(2048, chat.newTokens());
    assertEquals(
        "context: request has 10 tokens of the system text, 4 of the messages that must not be left"
            + " out and 2048 new tokens to come, expected at most 1024 together; ask for at most"
            + " 1010 new tokens, shorten the messages, or load with a longer context",
        chat.getMessage());
    QueueFullException queue = new QueueFullException(64);
    assertEquals(64, queue.limit());
    assertTrue(
        queue.getMessage().startsWith("queue: has 64 waiting requests, expected fewer than 64;"));
  }

  @Test
  void loadProblemSaysWhatWasTriedWhyAndWhatToDo() {
    NativeLoadException e = new NativeLoadException("lib", "not found", "add the artifact", null);
    assertEquals("lib", e.tried());
    assertEquals("not found", e.reason());
    assertEquals("add the artifact", e.remedy());
    assertEquals("native library: cannot load lib (not found); add the artifact", e.getMessage());
  }

  @Test
  void anInterruptSaysWhatItEndedAndKeepsTheFlag() {
    OperationInterruptedException.check("loading weights"); // nothing to say
    Thread.currentThread().interrupt();
    OperationInterruptedException e =
        assertThrows(
            OperationInterruptedException.class,
            () -> OperationInterruptedException.check("loading weights"));
    assertTrue(Thread.interrupted());
    assertEquals("loading weights", e.operation());
    assertEquals(
        "loading weights: its thread has been interrupted, expected to go on to the end; nothing is"
            + " left of it; call again",
        e.getMessage());
  }

  @Test
  void everyFailureIsOfTheFamily() {
    BaichuanException e = new InvalidLogitsException("sampler: logit of token 1 has NaN");
    assertEquals("sampler: logit of token 1 has NaN", e.getMessage());
  }

  @Test
  void messageOfAHostileFileIsShortAndPlain() {
    String name = "\u001b[31m\u202e\n" + "x".repeat(100_000);
    String message = new ModelFormatException("f", name, "none", "bytes").getMessage();
    assertTrue(message.startsWith("f: \uFFFD[31m\uFFFD xxx"));
    assertTrue(message.endsWith("xxx has bytes, expected none"));
    assertTrue(message.length() < 2100);
  }
}
