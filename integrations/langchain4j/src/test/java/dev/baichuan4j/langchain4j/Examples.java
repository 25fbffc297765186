package dev.baichuan4j.langchain4j;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Priority;
import dev.baichuan4j.Quant;
import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.scoring.ScoringModel;
import dev.langchain4j.rag.DefaultRetrievalAugmentor;
import dev.langchain4j.rag.RetrievalAugmentor;
import dev.langchain4j.rag.content.aggregator.ReRankingContentAggregator;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.store.embedding.inmemory.InMemoryEmbeddingStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** The examples of docs/langchain4j.md, which has each of these methods' lines. */
final class Examples {
  private Examples() {}

  static String chat(Path path, Quant weights) {
    try (Baichuan baichuan = Baichuan.loader(path).weights(weights).load()) {
      ChatModel model = BaichuanChatModel.builder().model(baichuan).temperature(0.0).build();
      return model.chat("“白日依山尽”的下一句是什么？");
    }
  }

  static String owned(Path path) {
    try (BaichuanChatModel model = BaichuanChatModel.builder().modelPath(path).build()) {
      return model.chat("“白日依山尽”的下一句是什么？");
    }
  }

  static ChatResponse parameters(ChatModel model) {
    ChatRequest request =
        ChatRequest.builder()
            .messages(UserMessage.from("“房间很干净。”这句话的情感是正面还是负面？"))
            .parameters(
                BaichuanChatRequestParameters.builder()
                    .temperature(0.3)
                    .maxOutputTokens(200)
                    .seed(42L)
                    .constraint(Constraint.choice(List.of("正面", "负面")))
                    .caller("reviews")
                    .priority(Priority.LOW)
                    .timeout(Duration.ofMinutes(1))
                    .build())
            .build();
    ChatResponse response = model.chat(request);
    return response;
  }

  static Duration metadata(ChatResponse response) {
    BaichuanChatResponseMetadata metadata = (BaichuanChatResponseMetadata) response.metadata();
    return metadata.result().timings().prompt();
  }

  static void stream(
      StreamingChatModel model, Consumer<String> output, Consumer<Throwable> failed) {
    model.chat(
        "讲一个故事",
        new StreamingChatResponseHandler() {
          private int characters;

          @Override
          public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
            output.accept(part.text());
            characters += part.text().length();
            if (characters > 1000) {
              context.streamingHandle().cancel();
            }
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            output.accept("\n" + response.tokenUsage());
          }

          @Override
          public void onError(Throwable error) {
            failed.accept(error);
          }
        });
  }

  static class Weather {
    @Tool("城市的天气")
    String weather(@P(name = "city", value = "城市") String city) {
      return city + "：晴";
    }
  }

  enum Dynasty {
    唐,
    宋
  }

  record Poem(
      @JsonProperty(required = true) Dynasty dynasty,
      @JsonProperty(required = true) boolean famous) {}

  interface Assistant {
    @SystemMessage("你是诗词专家。")
    String answer(String question);

    Poem classify(String question);
  }

  static Assistant assistant(Baichuan baichuan) {
    return AiServices.builder(Assistant.class)
        .chatModel(BaichuanChatModel.builder().model(baichuan).build())
        .chatMemory(
            TokenWindowChatMemory.withMaxTokens(1000, new BaichuanTokenCountEstimator(baichuan)))
        .tools(new Weather())
        .build();
  }

  static RetrievalAugmentor retrieval(Baichuan baichuan, List<TextSegment> documents) {
    EmbeddingModel embeddings = BaichuanEmbeddingModel.builder().model(baichuan).build();
    ScoringModel scores = BaichuanScoringModel.builder().model(baichuan).build();
    InMemoryEmbeddingStore<TextSegment> store = new InMemoryEmbeddingStore<>();
    store.addAll(embeddings.embedAll(documents).content(), documents);
    return DefaultRetrievalAugmentor.builder()
        .contentRetriever(
            EmbeddingStoreContentRetriever.builder()
                .embeddingStore(store)
                .embeddingModel(embeddings)
                .maxResults(20)
                .build())
        .contentAggregator(
            ReRankingContentAggregator.builder().scoringModel(scores).maxResults(3).build())
        .build();
  }
}
