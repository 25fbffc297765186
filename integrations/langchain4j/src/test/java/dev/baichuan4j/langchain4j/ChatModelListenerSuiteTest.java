package dev.baichuan4j.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;

/** LangChain4j's own tests of the listeners of a chat model. */
class ChatModelListenerSuiteTest extends AbstractChatModelListenerIT {
  @Override
  protected ChatModel createModel(ChatModelListener listener) {
    return BaichuanChatModel.builder()
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
  protected ChatModel createFailingModel(ChatModelListener listener) {
    BaichuanChatModel model =
        BaichuanChatModel.builder().modelPath(TinyModel.PATH).listeners(listener).build();
    model.close();
    return model;
  }

  @Override
  protected Class<? extends Exception> expectedExceptionClass() {
    return InternalServerException.class;
  }
}
