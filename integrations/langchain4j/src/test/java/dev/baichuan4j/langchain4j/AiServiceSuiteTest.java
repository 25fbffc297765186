package dev.baichuan4j.langchain4j;

import static dev.baichuan4j.langchain4j.Script.call;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceIT;
import java.util.List;

/** LangChain4j's own tests of AI services over a chat model, with dictated answers. */
class AiServiceSuiteTest extends AbstractAiServiceIT {
  private static final Script SCRIPT =
      new Script()
          .afterResult("sunny", "{\"city\": \"Munich\", \"weather\": \"SUNNY\"}")
          .say("What is the capital of Germany?", "The capital of Germany is Berlin.")
          .say("What is the weather in Munich?", call("getWeather", "{\"arg0\": \"Munich\"}"));

  @Override
  protected List<ChatModel> models() {
    return List.of(BaichuanChatModel.builder().model(SCRIPT.read()).build());
  }
}
