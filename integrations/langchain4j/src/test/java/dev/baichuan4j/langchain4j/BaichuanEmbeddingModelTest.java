package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.Priority;
import dev.baichuan4j.RequestMetrics;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.output.Response;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BaichuanEmbeddingModelTest {
  private static final List<String> TEXTS = List.of("北京", "上海的天气");

  @Test
  void vectorsAreThoseOfTheLibraryInTheOrderOfTheTexts() {
    BaichuanEmbeddingModel model =
        BaichuanEmbeddingModel.builder()
            .model(TinyModel.shared())
            .pooling(Pooling.LAST)
            .normalized(false)
            .build();

    Response<List<Embedding>> response =
        model.embedAll(TEXTS.stream().map(TextSegment::from).toList());

    List<float[]> expected =
        TinyModel.shared().embeddings().withPooling(Pooling.LAST).withNormalized(false).of(TEXTS);
    assertThat(response.content()).isEqualTo(expected.stream().map(Embedding::from).toList());
    assertThat(response.tokenUsage().inputTokenCount())
        .isEqualTo(TEXTS.stream().mapToInt(TinyModel.shared()::countTokens).sum());
    assertThat(model.dimension()).isEqualTo(TinyModel.shared().info().shape().hiddenSize());
    assertThat(model.modelName()).isEqualTo("baichuan");
  }

  @Test
  void vectorsHaveTheLengthOneUnlessToldOtherwise() {
    BaichuanEmbeddingModel model =
        BaichuanEmbeddingModel.builder().model("tiny", TinyModel.shared()).build();

    double squares = 0;
    for (float x : model.embed("北京").content().vector()) {
      squares += x * x;
    }
    assertThat(squares).isBetween(0.9999, 1.0001);
    assertThat(model.modelName()).isEqualTo("tiny");
  }

  @Test
  void requestsCountToTheirCaller() throws Exception {
    try (Baichuan own = TinyModel.loader().load()) {
      BlockingQueue<RequestMetrics> ended = new LinkedBlockingQueue<>();
      own.addRequestListener(ended::add);
      BaichuanEmbeddingModel model =
          BaichuanEmbeddingModel.builder()
              .model(own)
              .caller("index")
              .priority(Priority.LOW)
              .timeout(Duration.ofMinutes(5))
              .build();

      assertThat(model.embed("北京").content().dimension()).isPositive();

      assertThat(ended.poll(5, TimeUnit.MINUTES).caller()).isEqualTo("index");
    }
  }

  @Test
  void failuresAreThoseOfLangChain4j() {
    BaichuanEmbeddingModel model =
        BaichuanEmbeddingModel.builder().modelPath(TinyModel.PATH).build();

    assertThatThrownBy(() -> model.embed("山高水长。".repeat(1000)))
        .isExactlyInstanceOf(InvalidRequestException.class);
    model.close();
    assertThatThrownBy(() -> model.embed("北京")).isExactlyInstanceOf(InternalServerException.class);
    assertThatThrownBy(model::dimension).isExactlyInstanceOf(InternalServerException.class);
  }
}
