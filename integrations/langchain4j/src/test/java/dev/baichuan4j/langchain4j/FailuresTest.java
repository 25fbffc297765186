package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.QueueFullException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTest {
  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(
            new dev.baichuan4j.InvalidRequestException("topK", -1, "at least 0"),
            InvalidRequestException.class),
        Arguments.of(new ContextOverflowException(9, 1, 8), InvalidRequestException.class),
        Arguments.of(new QueueFullException(1), RateLimitException.class),
        Arguments.of(
            new OperationTimeoutException("text", Duration.ofSeconds(1), "allow more"),
            TimeoutException.class),
        Arguments.of(
            new OperationInterruptedException("text", "it is cancelled", null),
            LangChain4jException.class),
        Arguments.of(new DeviceException("gone"), InternalServerException.class),
        Arguments.of(new OutOfDeviceMemoryException(2, 1), InternalServerException.class),
        Arguments.of(new IllegalStateException("closed"), InternalServerException.class));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void eachFailureIsOneOfLangChain4jWithItsMessageAndCause(
      RuntimeException failure, Class<? extends RuntimeException> expected) {
    assertThat(Failures.map(failure))
        .isExactlyInstanceOf(expected)
        .hasMessage(failure.getMessage())
        .hasCause(failure);
  }

  @Test
  void whatIsNoneOfTheLibrarysStaysAsItIs() {
    RuntimeException own = new RateLimitException("busy");
    RuntimeException wrongUse = new NullPointerException("messages");

    assertThat(Failures.map(own)).isSameAs(own);
    assertThat(Failures.map(wrongUse)).isSameAs(wrongUse);
  }
}
