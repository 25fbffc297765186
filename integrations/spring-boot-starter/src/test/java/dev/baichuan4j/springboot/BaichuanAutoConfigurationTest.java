package dev.baichuan4j.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.micrometer.BaichuanMeters;
import dev.baichuan4j.springai.BaichuanChatModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class BaichuanAutoConfigurationTest {
  private static final Path MODEL =
      Path.of(System.getProperty("baichuan4j.root"), "models", "tiny-baichuan2-13b-chat");

  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(BaichuanAutoConfiguration.class));

  private ApplicationContextRunner withModel(String... properties) {
    return runner
        .withPropertyValues("baichuan4j.model=" + MODEL, "baichuan4j.threads=1")
        .withPropertyValues(properties);
  }

  @Test
  void thereIsNothingWithoutAModel() {
    runner.run(context -> assertThat(context).doesNotHaveBean(Baichuan.class));
  }

  @Test
  void propertiesReachTheModelAndItsOptions() {
    withModel(
            "baichuan4j.name=tiny",
            "baichuan4j.weights=int8",
            "baichuan4j.context-length=512",
            "baichuan4j.max-concurrent=2",
            "baichuan4j.cache-size=8MB",
            "baichuan4j.chat.temperature=0",
            "baichuan4j.chat.max-tokens=5",
            "baichuan4j.chat.stop-sequences=。,！",
            "baichuan4j.embedding.pooling=last")
        .run(
            context -> {
              Baichuan model = context.getBean(Baichuan.class);
              assertThat(model.info().weights()).isEqualTo(Quant.INT8);
              assertThat(model.info().contextLength()).isEqualTo(512);
              assertThat(model.info().threads()).isEqualTo(1);
              BaichuanChatModel chat = context.getBean(BaichuanChatModel.class);
              assertThat(chat.getOptions().getMaxTokens()).isEqualTo(5);
              assertThat(chat.getOptions().getStopSequences()).containsExactly("。", "！");
              assertThat(chat.call("你是谁？")).isNotEmpty();
              assertThat(context.getBean(EmbeddingModel.class).embed("诗"))
                  .isEqualTo(model.embeddings().withPooling(dev.baichuan4j.Pooling.LAST).of("诗"));
              assertThat(context.getBean(TokenCountEstimator.class).estimate("诗"))
                  .isEqualTo(model.countTokens("诗"));
            });
  }

  @Test
  void theModelIsClosedWithItsContext() {
    Baichuan[] model = new Baichuan[1];
    withModel().run(context -> model[0] = context.getBean(Baichuan.class));
    org.assertj.core.api.Assertions.assertThatIllegalStateException()
        .isThrownBy(() -> model[0].info());
  }

  @Test
  void aFolderThatIsNoCheckpointEndsTheStartWithItsName() {
    runner
        .withPropertyValues("baichuan4j.model=/nowhere")
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .rootCause()
                    .isInstanceOfAny(
                        ModelFormatException.class, java.nio.file.NoSuchFileException.class)
                    .hasMessageContaining("/nowhere"));
  }

  @Test
  void healthIsUpWhileTheModelIsOpen() {
    withModel()
        .run(
            context -> {
              HealthIndicator health = context.getBean(HealthIndicator.class);
              assertThat(health.health().getStatus()).isEqualTo(Status.UP);
              assertThat(health.health().getDetails()).containsKeys("device", "running", "pages");
              context.getBean(Baichuan.class).close();
              assertThat(health.health().getStatus()).isEqualTo(Status.DOWN);
            });
    withModel()
        .withClassLoader(new FilteredClassLoader(HealthIndicator.class))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(ChatModel.class));
  }

  @Test
  void metersAreRegisteredWhereThereIsARegistry() {
    withModel("baichuan4j.name=tiny")
        .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
        .run(
            context -> {
              assertThat(context).hasSingleBean(BaichuanMeters.class);
              assertThat(context.getBean(MeterRegistry.class).getMeters())
                  .isNotEmpty()
                  .allMatch(meter -> "tiny".equals(meter.getId().getTag("model")));
            });
    withModel().run(context -> assertThat(context).doesNotHaveBean(BaichuanMeters.class));
  }

  @Test
  void beansOfTheProgramGoBefore() {
    ChatModel own = prompt -> null;
    withModel()
        .withBean("own", ChatModel.class, () -> own)
        .withBean(
            BaichuanAutoConfiguration.LoaderCustomizer.class,
            () -> loader -> loader.contextLength(256))
        .run(
            context -> {
              assertThat(context.getBean(ChatModel.class)).isSameAs(own);
              assertThat(context.getBean(Baichuan.class).info().contextLength()).isEqualTo(256);
            });
  }

  @Test
  void everyPropertyIsDescribedForEditors() throws IOException {
    try (InputStream in =
        BaichuanProperties.class.getResourceAsStream(
            "/META-INF/spring-configuration-metadata.json")) {
      String metadata = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(metadata)
          .contains("baichuan4j.model", "Folder of the checkpoint.", "baichuan4j.chat.top-k");
    }
  }
}
