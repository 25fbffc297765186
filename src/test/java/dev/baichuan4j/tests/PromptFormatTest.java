package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.internal.chat.ChatPrompt;
import dev.baichuan4j.internal.chat.ChatTemplate;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The format that was chosen at the load is the one that conversations are asked in. */
class PromptFormatTest {
  private static final int USER = 195;
  private static final int ASSISTANT = 196;
  private static final int END = 2;
  private static final GenerationOptions SAMPLING = GenerationOptions.greedy().withMaxNewTokens(4);

  @ParameterizedTest
  @EnumSource(PromptFormat.class)
  void conversationsAreAskedInTheFormatChosen(PromptFormat format) {
    List<ChatMessage> messages =
        List.of(ChatMessage.user("你是谁"), ChatMessage.assistant("百川"), ChatMessage.user("你好"));
    try (Baichuan model =
            TestDevice.loader("tiny-baichuan2-13b-chat", false).promptFormat(format).load();
        ChatSession session = model.newSession()) {
      int context = model.info().contextLength();
      ChatTemplate template =
          new ChatTemplate(format, model.tokenizer()::encode, USER, ASSISTANT, END, context);
      ChatPrompt prompt = template.whole(messages, 4);
      GenerationResult expected = model.complete(prompt.ids(), SAMPLING).result();
      session.history(messages.subList(0, 2));
      for (GenerationResult actual :
          List.of(model.chat(messages, SAMPLING).result(), session.send("你好", SAMPLING).result())) {
        assertEquals(prompt.ids().length, actual.usage().promptTokens());
        assertEquals(expected.tokenIds(), actual.tokenIds());
      }
    }
  }
}
