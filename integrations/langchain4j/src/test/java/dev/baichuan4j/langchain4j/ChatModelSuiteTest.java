package dev.baichuan4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.List;

/**
 * LangChain4j's own tests of a chat model, with dictated answers where a model has to be clever.
 */
class ChatModelSuiteTest extends AbstractChatModelIT {
  private static BaichuanChatModel.Builder builder() {
    return BaichuanChatModel.builder().model(ModelScript.read()).model("other", ModelScript.read());
  }

  @Override
  protected List<ChatModel> models() {
    return List.of(builder().build());
  }

  @Override
  protected ChatModel createModelWith(ChatRequestParameters parameters) {
    return builder().defaultRequestParameters(parameters).build();
  }

  @Override
  protected String customModelName() {
    return "other";
  }

  @Override
  protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
    return BaichuanChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
  }

  @Override
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
    return BaichuanChatResponseMetadata.class;
  }

  @Override
  protected boolean supportsSingleImageInputAsBase64EncodedString() {
    return false; // no Baichuan model sees
  }

  @Override
  protected boolean supportsSingleImageInputAsPublicURL() {
    return false;
  }
}
