package dev.baichuan4j.langchain4j;

import static java.util.concurrent.TimeUnit.MINUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.RequestMetrics;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BaichuanStreamingChatModelTest {
  private final BaichuanStreamingChatModel model =
      BaichuanStreamingChatModel.builder().model(TinyModel.shared()).temperature(0.0).build();

  private static ChatRequest request(BaichuanChatRequestParameters.Builder parameters) {
    return ChatRequest.builder()
        .messages(UserMessage.from(TinyModel.QUESTION))
        .parameters(parameters.build())
        .build();
  }

  private static BaichuanChatRequestParameters.Builder parameters() {
    return BaichuanChatRequestParameters.builder();
  }

  /** What ends by being cancelled alone, but for its limit. */
  private static BaichuanChatRequestParameters.Builder endless() {
    return parameters().ignoreEnd(true).maxOutputTokens(1900);
  }

  @Test
  void theStreamIsTheAnswerThatIsWaitedFor() throws Exception {
    Heard heard = new Heard();
    model.chat(TinyModel.QUESTION, heard);
    ChatResponse streamed = heard.response();

    ChatResponse waited =
        BaichuanChatModel.builder()
            .model(TinyModel.shared())
            .temperature(0.0)
            .build()
            .chat(UserMessage.from(TinyModel.QUESTION));
    assertThat(streamed.aiMessage()).isEqualTo(waited.aiMessage());
    assertThat(streamed.tokenUsage()).isEqualTo(waited.tokenUsage());
    assertThat(streamed.finishReason()).isEqualTo(waited.finishReason());
    assertThat(heard.texts).hasSizeGreaterThan(1).doesNotContain("");
    assertThat(String.join("", heard.texts)).isEqualTo(streamed.aiMessage().text());
    assertThat(model.supportedCapabilities())
        .containsExactly(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  @Test
  void theCallerGoesOnWhileTheHandlerIsHeldUp() throws Exception {
    CountDownLatch callerWentOn = new CountDownLatch(1);
    Heard heard =
        new Heard() {
          @Override
          public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
            try {
              assertThat(callerWentOn.await(5, MINUTES)).isTrue();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
            super.onPartialResponse(part, context);
          }
        };

    model.chat(TinyModel.QUESTION, heard);
    callerWentOn.countDown();

    assertThat(heard.response().aiMessage().text()).contains(TinyModel.ANSWER);
    assertThat(heard.threads).hasSize(1).doesNotContain(Thread.currentThread());
  }

  @Test
  void cancellingEndsTheGenerationAndNothingIsHeardAfterwards() throws Exception {
    try (Baichuan own = TinyModel.loader().load()) {
      CompletableFuture<RequestMetrics> ended = new CompletableFuture<>();
      own.addRequestListener(ended::complete);
      CompletableFuture<StreamingHandle> cancelled = new CompletableFuture<>();
      Heard heard =
          new Heard() {
            @Override
            public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
              super.onPartialResponse(part, context);
              if (texts.size() == 3) {
                context.streamingHandle().cancel();
                cancelled.complete(context.streamingHandle());
              }
            }
          };
      BaichuanStreamingChatModel cancellable =
          BaichuanStreamingChatModel.builder().model(own).build();

      cancellable.chat(request(endless()), heard);

      assertThat(cancelled.get(5, MINUTES).isCancelled()).isTrue();
      assertThat(ended.get(5, MINUTES).reason()).contains(FinishReason.CANCELLED);
      heard.threads.iterator().next().join();
      assertThat(heard.texts).hasSize(3);
      assertThat(heard.hasEnded()).isFalse();
    }
  }

  @Test
  void aHandlerThatThrowsIsToldAndHurtsNobody() throws Exception {
    IllegalStateException thrown = new IllegalStateException("of the handler");
    Heard heard =
        new Heard() {
          @Override
          public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
            throw thrown;
          }
        };

    model.chat(TinyModel.QUESTION, heard);

    assertThat(heard.failure()).isSameAs(thrown);
    Heard other = new Heard();
    model.chat(TinyModel.QUESTION, other);
    assertThat(other.response().aiMessage().text()).contains(TinyModel.ANSWER);
  }

  @Test
  void anErrorOfAHandlerEndsTheGeneration() throws Exception {
    try (Baichuan own = TinyModel.loader().load()) {
      CompletableFuture<RequestMetrics> ended = new CompletableFuture<>();
      own.addRequestListener(ended::complete);
      CompletableFuture<Throwable> uncaught = new CompletableFuture<>();
      BaichuanStreamingChatModel watched =
          BaichuanStreamingChatModel.builder()
              .model(own)
              .executor(
                  task -> {
                    Thread thread = new Thread(task);
                    thread.setUncaughtExceptionHandler((t, error) -> uncaught.complete(error));
                    thread.start();
                  })
              .build();
      Heard heard =
          new Heard() {
            @Override
            public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
              throw new AssertionError("of the handler");
            }
          };

      watched.chat(request(endless()), heard);

      assertThat(uncaught.get(5, MINUTES)).hasMessage("of the handler");
      assertThat(ended.get(5, MINUTES).reason()).contains(FinishReason.CANCELLED);
    }
  }

  @Test
  void whatNoModelTakesIsThrownAndEveryOtherFailureIsTold() throws Exception {
    UserMessage image = UserMessage.from(ImageContent.from("https://example.org/x.png"));
    assertThatThrownBy(() -> model.chat(List.of(image), new Heard()))
        .isExactlyInstanceOf(UnsupportedFeatureException.class);

    assertThat(failureOf(parameters().topK(-1)))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessage("topK has -1, expected at least 0");
    assertThat(failureOf(parameters().modelName("other")))
        .isExactlyInstanceOf(ModelNotFoundException.class);
    assertThat(failureOf(parameters().maxOutputTokens(5000)))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasCauseExactlyInstanceOf(dev.baichuan4j.ContextOverflowException.class);
    assertThat(failureOf(endless().timeout(Duration.ofMillis(1))))
        .isExactlyInstanceOf(TimeoutException.class);
  }

  private Throwable failureOf(BaichuanChatRequestParameters.Builder parameters) throws Exception {
    Heard heard = new Heard();
    model.chat(request(parameters), heard);
    Throwable failure = heard.failure();
    assertThat(heard.threads).hasSize(1).doesNotContain(Thread.currentThread());
    return failure;
  }

  @Test
  void aModelThatIsClosedInTheMiddleIsAFailure() throws Exception {
    BaichuanStreamingChatModel own =
        BaichuanStreamingChatModel.builder().modelPath(TinyModel.PATH).build();
    CountDownLatch begun = new CountDownLatch(1);
    Heard heard =
        new Heard() {
          @Override
          public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
            begun.countDown();
          }
        };

    own.chat(request(endless().maxOutputTokens(900)), heard);
    assertThat(begun.await(5, MINUTES)).isTrue();
    own.close();

    assertThat(heard.failure()).isExactlyInstanceOf(InternalServerException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void aPoolRunsTheHandlersOfManyAnswers(int threads) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      BaichuanStreamingChatModel pooled =
          BaichuanStreamingChatModel.builder()
              .model(TinyModel.shared())
              .temperature(0.0)
              .executor(pool)
              .build();
      List<Heard> all = java.util.stream.Stream.generate(Heard::new).limit(8).toList();

      all.forEach(heard -> pooled.chat(TinyModel.QUESTION, heard));

      for (Heard heard : all) {
        assertThat(heard.response().aiMessage().text()).contains(TinyModel.ANSWER);
        assertThat(heard.threads).hasSize(1);
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void anExecutorThatRefusesEndsTheGeneration() throws Exception {
    try (Baichuan own = TinyModel.loader().load()) {
      CompletableFuture<RequestMetrics> ended = new CompletableFuture<>();
      own.addRequestListener(ended::complete);
      RejectedExecutionException refusal = new RejectedExecutionException("full");
      BaichuanStreamingChatModel refused =
          BaichuanStreamingChatModel.builder()
              .model(own)
              .executor(
                  task -> {
                    throw refusal;
                  })
              .build();

      assertThatThrownBy(() -> refused.chat(request(endless()), new Heard())).isSameAs(refusal);
      assertThat(ended.get(5, MINUTES).reason()).contains(FinishReason.CANCELLED);
    }
  }
}
