package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.baichuan4j.Quant;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** That docs/langchain4j.md shows what compiles and runs. */
class DocumentationTest {
  private static final Path ROOT = Path.of(System.getProperty("baichuan4j.root", "../.."));

  @Test
  void eachExampleOfThePageIsCompiledHere() throws Exception {
    String page = Files.readString(ROOT.resolve("docs/langchain4j.md"));
    String source =
        Files.readString(
            ROOT.resolve(
                "integrations/langchain4j/src/test/java/dev/baichuan4j/langchain4j/Examples.java"));
    List<String> blocks = new ArrayList<>();
    Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(page);
    while (block.find()) {
      blocks.add(block.group(1));
    }

    assertThat(blocks).hasSizeGreaterThan(5);
    assertThat(blocks)
        .allSatisfy(text -> assertThat(withoutSpace(source)).contains(withoutSpace(text)));
  }

  private static String withoutSpace(String text) {
    return text.replaceAll("\\s+", "");
  }

  @Test
  void theExamplesOfChatModelsRun() throws Exception {
    BaichuanChatModel model = BaichuanChatModel.builder().model(TinyModel.shared()).build();

    assertThat(Examples.chat(TinyModel.PATH, Quant.INT8)).isNotBlank();
    assertThat(Examples.owned(TinyModel.PATH)).isNotBlank();
    assertThat(Examples.parameters(model).aiMessage().text()).isIn("正面", "负面");
    assertThat(Examples.metadata(Examples.parameters(model))).isPositive();

    StringBuffer heard = new StringBuffer();
    CompletableFuture<String> ended = new CompletableFuture<>();
    Examples.stream(
        BaichuanStreamingChatModel.builder().model(TinyModel.shared()).maxOutputTokens(20).build(),
        text -> {
          heard.append(text);
          if (text.startsWith("\nTokenUsage")) {
            ended.complete(heard.toString());
          }
        },
        ended::completeExceptionally);
    assertThat(ended.get(5, TimeUnit.MINUTES)).contains("inputTokenCount");
  }
}
