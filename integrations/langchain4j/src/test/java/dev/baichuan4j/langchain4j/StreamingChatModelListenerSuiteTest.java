package dev.baichuan4j.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;

/** LangChain4j's own tests of the listeners of a streaming chat model. */
class StreamingChatModelListenerSuiteTest extends AbstractStreamingChatModelListenerIT {
  @Override
  protected StreamingChatModel createModel(ChatModelListener listener) {
    return BaichuanStreamingChatModel.builder()
        .model(modelName(), TinyModel.shared())
        .temperature(temperature())
        .topP(topP())
        .maxOutputTokens(maxTokens())
        .listeners(listener)
        .build();
  }

  @Override
  protected String modelName() {
    return "tiny";
  }

  /** One whose model is closed. */
  @Override
  protected StreamingChatModel createFailingModel(ChatModelListener listener) {
    BaichuanStreamingChatModel model =
        BaichuanStreamingChatModel.builder().modelPath(TinyModel.PATH).listeners(listener).build();
    model.close();
    return model;
  }

  @Override
  protected Class<? extends Exception> expectedExceptionClass() {
    return InternalServerException.class;
  }
}
