package dev.baichuan4j.server.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Spring AI's starter for OpenAI in an application of Spring Boot. */
@Timeout(300)
class SpringAiTest {
  /** An application that has nothing of its own. */
  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class Application {}

  private static ConfigurableApplicationContext context;

  @BeforeAll
  static void start() {
    context =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.NONE)
            .run(
                "--spring.main.banner-mode=off",
                "--logging.level.root=warn",
                "--spring.ai.openai.base-url=" + ContractServer.url(),
                "--spring.ai.openai.api-key=none",
                "--spring.ai.openai.chat.options.model=" + ContractServer.MODEL,
                "--spring.ai.openai.chat.options.temperature=0",
                "--spring.ai.openai.chat.options.max-tokens=60",
                "--spring.ai.openai.embedding.options.model=" + ContractServer.MODEL,
                "--spring.ai.model.image=none",
                "--spring.ai.model.audio.speech=none",
                "--spring.ai.model.audio.transcription=none",
                "--spring.ai.model.moderation=none");
  }

  @AfterAll
  static void stop() {
    context.close();
  }

  @Test
  void aChatAndItsStreamAreTheSame() {
    ChatModel chat = context.getBean(ChatModel.class);
    ChatResponse whole = chat.call(new Prompt(ContractServer.POEM));
    String text = whole.getResult().getOutput().getText();
    assertFalse(text.isEmpty());
    assertTrue(whole.getMetadata().getUsage().getCompletionTokens() > 3);
    String streamed =
        chat.stream(new Prompt(ContractServer.POEM)).collectList().block().stream()
            .filter(response -> response.getResult() != null)
            .map(response -> response.getResult().getOutput().getText())
            .filter(piece -> piece != null)
            .collect(Collectors.joining());
    assertEquals(text, streamed);
  }

  @Test
  void embeddings() {
    EmbeddingModel model = context.getBean(EmbeddingModel.class);
    List<float[]> vectors = model.embed(List.of("北京", "上海"));
    assertEquals(384, vectors.get(1).length);
    Function<String, float[]> one = model::embed;
    assertEquals(384, one.apply("上海").length);
  }
}
