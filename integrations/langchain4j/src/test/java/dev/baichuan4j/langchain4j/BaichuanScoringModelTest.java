package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Priority;
import dev.baichuan4j.RequestMetrics;
import dev.baichuan4j.RerankTemplate;
import dev.baichuan4j.Scoring;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BaichuanScoringModelTest {
  private static final String QUERY = "谁写了《登鹳雀楼》？";
  private static final List<String> TEXTS = List.of("床前明月光，疑是地上霜。", "王之涣写了《登鹳雀楼》。", "春眠不觉晓。");
  private static final RerankTemplate TEMPLATE =
      new RerankTemplate("问题：{query}\n文档：{document}\n相关吗？", "相关", "无关");

  @Test
  void scoresAreThoseOfTheLibraryInTheOrderOfTheTexts() {
    BaichuanScoringModel model =
        BaichuanScoringModel.builder().model(TinyModel.shared()).template(TEMPLATE).build();

    List<Double> scores =
        model.scoreAll(TEXTS.stream().map(TextSegment::from).toList(), QUERY).content();

    List<Double> expected =
        TinyModel.shared().scoring().rerank(QUERY, TEXTS, TEMPLATE).stream()
            .sorted(Comparator.comparingInt(Scoring.Relevance::index))
            .map(Scoring.Relevance::score)
            .toList();
    assertThat(scores).isEqualTo(expected).doesNotHaveDuplicates();
    assertThat(model.score(TEXTS.get(1), QUERY).content()).isEqualTo(scores.get(1));
    assertThat(model.scoreAll(List.of(), QUERY).content()).isEmpty();
  }

  @Test
  void theQuestionIsTheLibrarysUnlessToldOtherwise() {
    BaichuanScoringModel model = BaichuanScoringModel.builder().model(TinyModel.shared()).build();

    assertThat(model.score(TEXTS.get(0), QUERY).content())
        .isEqualTo(TinyModel.shared().scoring().rerank(QUERY, TEXTS.subList(0, 1)).get(0).score());
  }

  @Test
  void requestsCountToTheirCaller() throws Exception {
    try (Baichuan own = TinyModel.loader().load()) {
      BlockingQueue<RequestMetrics> ended = new LinkedBlockingQueue<>();
      own.addRequestListener(ended::add);
      BaichuanScoringModel model =
          BaichuanScoringModel.builder()
              .model(own)
              .caller("search")
              .priority(Priority.HIGH)
              .timeout(Duration.ofMinutes(5))
              .build();

      assertThat(model.score(TEXTS.get(0), QUERY).content()).isBetween(0.0, 1.0);

      assertThat(ended.poll(5, TimeUnit.MINUTES).caller()).isEqualTo("search");
    }
  }

  @Test
  void failuresAreThoseOfLangChain4j() {
    BaichuanScoringModel model = BaichuanScoringModel.builder().modelPath(TinyModel.PATH).build();

    assertThatThrownBy(() -> model.score("山高水长。".repeat(1000), QUERY))
        .isExactlyInstanceOf(InvalidRequestException.class);
    model.close();
    assertThatThrownBy(() -> model.score(TEXTS.get(0), QUERY))
        .isExactlyInstanceOf(InternalServerException.class);
  }

  @Test
  void oneModelScores() {
    BaichuanScoringModel.Builder two =
        BaichuanScoringModel.builder()
            .model("a", TinyModel.shared())
            .model("b", TinyModel.shared());

    assertThatThrownBy(two::build)
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("model has [a, b], expected one");
  }
}
