package dev.baichuan4j.langchain4j;

import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.common.AbstractEmbeddingModelIT;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import java.util.List;

/** LangChain4j's own tests of an embedding model. */
class EmbeddingModelSuiteTest extends AbstractEmbeddingModelIT {
  @Override
  protected List<EmbeddingModel> models() {
    return List.of(BaichuanEmbeddingModel.builder().model(TinyModel.shared()).build());
  }

  @Override
  protected EmbeddingModel modelWith(EmbeddingModelListener listener) {
    return BaichuanEmbeddingModel.builder().model(TinyModel.shared()).listeners(listener).build();
  }

  /** One whose model is closed. */
  @Override
  protected EmbeddingModel failingModelWith(EmbeddingModelListener listener) {
    BaichuanEmbeddingModel model =
        BaichuanEmbeddingModel.builder().modelPath(TinyModel.PATH).listeners(listener).build();
    model.close();
    return model;
  }

  @Override
  protected boolean supportsInputTypeParameter() {
    return false;
  }

  @Override
  protected boolean supportsDimensionsParameter() {
    return false;
  }

  @Override
  protected boolean supportsImageInput() {
    return false;
  }
}
