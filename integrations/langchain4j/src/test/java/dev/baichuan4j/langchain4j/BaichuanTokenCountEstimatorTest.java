package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.PromptFormat;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

class BaichuanTokenCountEstimatorTest {
  private static final ToolExecutionRequest CALL =
      ToolExecutionRequest.builder().id("1").name("f").arguments("{\"x\": 1}").build();

  private final BaichuanTokenCountEstimator estimator =
      new BaichuanTokenCountEstimator(TinyModel.shared());

  @Test
  void aConversationHasTheTokensThatTheModelIsFed() {
    List<ChatMessage> conversation =
        List.of(
            SystemMessage.from("你是诗人。"),
            UserMessage.from("你好"),
            AiMessage.from("你好！"),
            UserMessage.from(TinyModel.QUESTION),
            AiMessage.from(CALL),
            ToolExecutionResultMessage.from(CALL, "7"));
    for (int length = 1; length <= conversation.size(); length++) {
      assertEqualsPrompt(TinyModel.shared(), conversation.subList(0, length));
    }
  }

  @Test
  void theOlderFormatHasAnEndOfEachAnswer() {
    try (Baichuan older = TinyModel.loader().promptFormat(PromptFormat.OLDER).load()) {
      List<ChatMessage> conversation =
          List.of(UserMessage.from("你好"), AiMessage.from("你好！"), UserMessage.from("再见"));
      for (int length = 1; length <= conversation.size(); length++) {
        assertEqualsPrompt(older, conversation.subList(0, length));
      }
    }
  }

  private static void assertEqualsPrompt(Baichuan model, List<ChatMessage> conversation) {
    ChatRequest request = ChatRequest.builder().messages(conversation).maxOutputTokens(1).build();
    int fed =
        BaichuanChatModel.builder()
            .model(model)
            .build()
            .chat(request)
            .tokenUsage()
            .inputTokenCount();
    assertThat(new BaichuanTokenCountEstimator(model).estimateTokenCountInMessages(conversation))
        .as("%d messages", conversation.size())
        .isEqualTo(fed);
  }

  @Test
  void messagesAddUpToTheConversationButForTheBeginningOfTheAnswer() {
    List<ChatMessage> conversation = List.of(SystemMessage.from("你是诗人。"), UserMessage.from("你好"));

    int sum = conversation.stream().mapToInt(estimator::estimateTokenCountInMessage).sum();
    assertThat(estimator.estimateTokenCountInMessages(conversation)).isEqualTo(sum + 1);
    assertThat(estimator.estimateTokenCountInMessages(List.of())).isZero();
  }

  @Test
  void aTextHasTheTokensOfTheTokenizer() {
    assertThat(estimator.estimateTokenCountInText(TinyModel.QUESTION))
        .isEqualTo(TinyModel.shared().countTokens(TinyModel.QUESTION));
    assertThat(estimator.estimateTokenCountInText("")).isZero();
  }

  @Test
  void aMemoryMayHoldMoreThanTheContextAndForgetsTheOldest() {
    TokenWindowChatMemory memory = TokenWindowChatMemory.builder().maxTokens(40, estimator).build();

    memory.add(UserMessage.from("山高水长。".repeat(1000)));
    memory.add(AiMessage.from("好"));
    memory.add(UserMessage.from(TinyModel.QUESTION));

    assertThat(memory.messages()).last().isEqualTo(UserMessage.from(TinyModel.QUESTION));
    assertThat(estimator.estimateTokenCountInMessages(memory.messages())).isLessThanOrEqualTo(40);
  }

  @Test
  void aModelWithoutChatRolesCountsTextsAlone() {
    try (Baichuan base = Baichuan.load(TinyModel.PATH.resolveSibling("tiny-baichuan-7b"))) {
      BaichuanTokenCountEstimator texts = new BaichuanTokenCountEstimator(base);

      assertThat(texts.estimateTokenCountInText("你好")).isPositive();
      assertThatThrownBy(() -> texts.estimateTokenCountInMessage(UserMessage.from("你好")))
          .isExactlyInstanceOf(InvalidRequestException.class);
    }
  }
}
