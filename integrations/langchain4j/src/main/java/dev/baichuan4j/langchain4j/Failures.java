package dev.baichuan4j.langchain4j;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.QueueFullException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import java.util.function.Supplier;

/** Turns failures of the library into those of LangChain4j; {@code package-info} has the table. */
final class Failures {
  private Failures() {}

  /** Runs a call to the library. */
  static <T> T mapped(Supplier<T> call) {
    try {
      return call.get();
    } catch (RuntimeException failure) {
      throw map(failure);
    }
  }

  /** Returns the failure to throw in place of one; itself where it is none of the library's. */
  static RuntimeException map(RuntimeException failure) {
    if (failure instanceof dev.baichuan4j.InvalidRequestException
        || failure instanceof ContextOverflowException) {
      return new InvalidRequestException(failure);
    }
    if (failure instanceof QueueFullException) {
      return new RateLimitException(failure);
    }
    if (failure instanceof OperationTimeoutException) {
      return new TimeoutException(failure);
    }
    if (failure instanceof OperationInterruptedException) {
      return new LangChain4jException(failure); // not one after which LangChain4j tries again
    }
    // An IllegalStateException says that the model or the generation is closed.
    if (failure instanceof BaichuanException || failure instanceof IllegalStateException) {
      return new InternalServerException(failure);
    }
    return failure;
  }
}
