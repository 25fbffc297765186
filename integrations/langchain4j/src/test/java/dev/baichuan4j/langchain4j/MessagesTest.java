package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.AudioContent;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.PdfFileContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.message.VideoContent;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessagesTest {
  @Test
  void eachMessageIsThatOfItsRoleInItsPlace() {
    assertThat(
            Messages.of(
                List.of(
                    SystemMessage.from("你是诗人。"),
                    UserMessage.from("你好"),
                    AiMessage.from("你好！"),
                    UserMessage.from("再见"))))
        .containsExactly(
            ChatMessage.system("你是诗人。"),
            ChatMessage.user("你好"),
            ChatMessage.assistant("你好！"),
            ChatMessage.user("再见"));
  }

  @Test
  void severalTextsOfAMessageStandOnLinesOfTheirOwn() {
    assertThat(Messages.of(List.of(UserMessage.from(TextContent.from("一"), TextContent.from("二")))))
        .containsExactly(ChatMessage.user("一\n二"));
  }

  @Test
  void callsAndTheResultsOfARoundAreWrittenAsTheModelWouldReadThem() {
    ToolExecutionRequest first =
        ToolExecutionRequest.builder().id("1").name("f").arguments("{\"x\": 1}").build();
    ToolExecutionRequest second = ToolExecutionRequest.builder().name("g").build();

    assertThat(
            Messages.of(
                List.of(
                    UserMessage.from("算"),
                    AiMessage.from("好的", List.of(first, second)),
                    ToolExecutionResultMessage.from(first, "7"),
                    ToolExecutionResultMessage.from("2", "g", "八"),
                    UserMessage.from("谢谢"))))
        .containsExactly(
            ChatMessage.user("算"),
            Tools.assistant(
                "好的", List.of(new ToolCall("1", "f", "{\"x\": 1}"), new ToolCall("", "g", "{}"))),
            Tools.results(List.of(new ToolResult("1", "f", "7"), new ToolResult("2", "g", "八"))),
            ChatMessage.user("谢谢"));
  }

  @Test
  void aFailureOfAToolIsToldAsOne() {
    ToolExecutionResultMessage failure =
        ToolExecutionResultMessage.builder()
            .id("1")
            .toolName("f")
            .text("no \"x\"")
            .isError(true)
            .build();

    assertThat(Messages.of(List.of(failure)))
        .containsExactly(
            Tools.results(List.of(new ToolResult("1", "f", "{\"error\":\"no \\\"x\\\"\"}"))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"image", "audio", "video", "pdf"})
  void contentThatIsNoTextIsRefusedByType(String type) {
    Content content =
        switch (type) {
          case "image" -> ImageContent.from("https://example.org/x.png");
          case "audio" -> AudioContent.from("https://example.org/x.mp3");
          case "video" -> VideoContent.from("https://example.org/x.mp4");
          default -> PdfFileContent.from("https://example.org/x.pdf");
        };

    assertThatThrownBy(
            () ->
                Messages.of(
                    List.of(
                        UserMessage.from("你好"), UserMessage.from(TextContent.from("看"), content))))
        .isExactlyInstanceOf(UnsupportedFeatureException.class)
        .hasMessage(
            "messages[1]: non-text content of type %s is not supported by Baichuan models, expected text",
            type);
  }

  @Test
  void anImageThatAToolReturnsIsRefused() {
    ToolExecutionResultMessage photo =
        ToolExecutionResultMessage.builder()
            .id("1")
            .toolName("f")
            .contents(List.of(ImageContent.from("https://example.org/x.png")))
            .build();

    assertThatThrownBy(() -> Messages.of(List.of(photo)))
        .isExactlyInstanceOf(UnsupportedFeatureException.class)
        .hasMessageContaining("image");
  }

  @Test
  void whatCannotBePutToTheModelIsRefused() {
    assertThatThrownBy(() -> Messages.of(List.of(UserMessage.from("小明", "你好"))))
        .isExactlyInstanceOf(UnsupportedFeatureException.class)
        .hasMessageContaining("the name of a user");
    assertThatThrownBy(() -> Messages.of(List.of(CustomMessage.from(Map.of("a", "b")))))
        .isExactlyInstanceOf(UnsupportedFeatureException.class)
        .hasMessageContaining("CUSTOM");
    assertThatThrownBy(
            () -> Messages.of(List.of(new ToolExecutionResultMessage("1", null, "text"))))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("toolName");
  }
}
