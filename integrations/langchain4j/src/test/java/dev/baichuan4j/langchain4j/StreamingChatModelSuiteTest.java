package dev.baichuan4j.langchain4j;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.argThat;
import static org.mockito.Mockito.atLeastOnce;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import org.mockito.InOrder;

/**
 * LangChain4j's own tests of a streaming chat model, with dictated answers where a model has to be
 * clever.
 */
class StreamingChatModelSuiteTest extends AbstractStreamingChatModelIT {
  private static BaichuanStreamingChatModel.Builder builder() {
    return BaichuanStreamingChatModel.builder()
        .model(ModelScript.read())
        .model("other", ModelScript.read());
  }

  @Override
  protected List<StreamingChatModel> models() {
    return List.of(builder().build());
  }

  @Override
  public StreamingChatModel createModelWith(ChatModelListener listener) {
    return builder().listeners(listener).build();
  }

  @Override
  protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
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
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(
      StreamingChatModel model) {
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

  @Override
  protected void verifyToolCallbacks(
      StreamingChatResponseHandler handler, InOrder order, String id) {
    verifyCall(handler, order, 0, id, "getWeather", "{\"city\": \"Munich\"}");
  }

  @Override
  protected void verifyToolCallbacks(
      StreamingChatResponseHandler handler, InOrder order, String id1, String id2) {
    verifyCall(handler, order, 0, id1, "getWeather", "{\"city\": \"Munich\"}");
    verifyCall(handler, order, 1, id2, "getTime", "{\"country\": \"France\"}");
  }

  private static void verifyCall(
      StreamingChatResponseHandler handler,
      InOrder order,
      int index,
      String id,
      String name,
      String arguments) {
    order
        .verify(handler, atLeastOnce())
        .onPartialToolCall(
            argThat(
                part ->
                    part.index() == index
                        && part.id().equals(id)
                        && part.name().equals(name)
                        && arguments.contains(part.partialArguments())),
            any());
    order.verify(handler).onCompleteToolCall(complete(index, id, name, arguments));
  }
}
