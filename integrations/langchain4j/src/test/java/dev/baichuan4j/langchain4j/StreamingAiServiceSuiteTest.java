package dev.baichuan4j.langchain4j;

import static dev.baichuan4j.langchain4j.Script.call;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.service.common.AbstractStreamingAiServiceIT;
import java.util.List;

/** LangChain4j's own tests of AI services over a streaming chat model, with dictated answers. */
class StreamingAiServiceSuiteTest extends AbstractStreamingAiServiceIT {
  private static final Script SCRIPT =
      new Script()
          .say("\"currentDate\"", "That is the date.")
          .say("What is the capital of Germany?", "The capital of Germany is Berlin.")
          .say("What is the date today?", call("currentDate", "{}"))
          .say("How much is 37 plus 87?", call("add", "{\"arg0\": 37, \"arg1\": 87}"))
          .say("Now add 47", call("add", "{\"arg0\": 124, \"arg1\": 47}"));

  @Override
  protected List<StreamingChatModel> models() {
    return List.of(BaichuanStreamingChatModel.builder().model(SCRIPT.read()).build());
  }

  @Override
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(
      StreamingChatModel model) {
    return BaichuanChatResponseMetadata.class;
  }
}
