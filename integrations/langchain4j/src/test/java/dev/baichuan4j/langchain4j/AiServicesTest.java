package dev.baichuan4j.langchain4j;

import static dev.baichuan4j.langchain4j.Script.call;
import static java.util.concurrent.TimeUnit.MINUTES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.TokenStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class AiServicesTest {
  private static final List<String> POEMS =
      List.of("《登鹳雀楼》：白日依山尽，黄河入海流。", "《春晓》：春眠不觉晓，处处闻啼鸟。", "《静夜思》：床前明月光，疑是地上霜。");

  /** The tiny model, and the conversations that it was put. */
  private static Baichuan watched(List<List<ChatMessage>> conversations, Script script) {
    return Dictation.of(
        TinyModel.shared(),
        messages -> {
          conversations.add(messages);
          return script.words(messages);
        });
  }

  @Test
  void theSystemTextTheMemoryAndTheToolsReachTheModel() {
    List<List<ChatMessage>> conversations = new CopyOnWriteArrayList<>();
    Script script =
        new Script()
            .say("晴", "北京今天晴。")
            .say("北京的天气", call("weather", "{\"city\": \"北京\"}"))
            .say("谢谢", "不客气。");
    Examples.Assistant assistant = Examples.assistant(watched(conversations, script));

    assertThat(assistant.answer("北京的天气怎么样？")).isEqualTo("北京今天晴。");
    assertThat(assistant.answer("谢谢")).isEqualTo("不客气。");

    List<ChatMessage> last = conversations.get(2);
    assertThat(last.get(0).role()).isEqualTo(ChatMessage.Role.SYSTEM);
    assertThat(last.get(0).content()).startsWith("你是诗词专家。\n").contains("城市的天气");
    assertThat(last.subList(1, last.size()))
        .extracting(ChatMessage::content)
        .containsExactly(
            "北京的天气怎么样？",
            call("weather", "{\"city\": \"北京\"}"),
            "<tool_response>\n{\"name\": \"weather\", \"content\": \"北京：晴\"}\n</tool_response>",
            "北京今天晴。",
            "谢谢");
  }

  /** What the tiny model says itself, bound by the schema of the class. */
  @Test
  void aStructuredAnswerOfTheTinyModelIsOneOfItsClass() {
    interface Classifier {
      Examples.Poem classify(String question);
    }
    Classifier classifier =
        AiServices.create(
            Classifier.class,
            BaichuanChatModel.builder()
                .model(TinyModel.shared())
                .temperature(0.0)
                .maxOutputTokens(200)
                .build());

    Examples.Poem poem = classifier.classify("《登鹳雀楼》是哪个朝代的诗？");

    assertThat(poem.dynasty()).isIn((Object[]) Examples.Dynasty.values());
  }

  @Test
  void aTokenStreamIsHeardToItsEnd() throws Exception {
    interface Poet {
      TokenStream answer(String question);
    }
    Poet poet =
        AiServices.create(
            Poet.class,
            BaichuanStreamingChatModel.builder()
                .model(TinyModel.shared())
                .temperature(0.0)
                .build());
    StringBuffer heard = new StringBuffer();
    CompletableFuture<ChatResponse> complete = new CompletableFuture<>();

    poet.answer(TinyModel.QUESTION)
        .onPartialResponse(heard::append)
        .onCompleteResponse(complete::complete)
        .onError(complete::completeExceptionally)
        .start();

    assertThat(complete.get(5, MINUTES).aiMessage().text()).contains(TinyModel.ANSWER);
    assertThat(heard).hasToString(complete.get().aiMessage().text());
  }

  @Test
  void retrievedAndRankedTextsAreInThePrompt() {
    interface Librarian {
      String answer(String question);
    }
    List<List<ChatMessage>> conversations = new CopyOnWriteArrayList<>();
    Baichuan model = watched(conversations, new Script().say("鹳雀楼", "王之涣。"));
    Librarian librarian =
        AiServices.builder(Librarian.class)
            .chatModel(BaichuanChatModel.builder().model(model).build())
            .retrievalAugmentor(
                Examples.retrieval(model, POEMS.stream().map(TextSegment::from).toList()))
            .build();

    assertThat(librarian.answer("谁写了《登鹳雀楼》？")).isEqualTo("王之涣。");

    String prompt = conversations.get(0).get(0).content();
    assertThat(prompt).startsWith("谁写了《登鹳雀楼》？").contains(POEMS);
    List<String> ranked =
        TinyModel.shared().scoring().rerank("谁写了《登鹳雀楼》？", POEMS).stream()
            .map(relevance -> relevance.document())
            .toList();
    assertThat(prompt).containsSubsequence(ranked);
  }
}
