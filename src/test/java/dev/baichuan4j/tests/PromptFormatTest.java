package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.internal.chat.ChatPrompt;
import dev.baichuan4j.internal.chat.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The format that was chosen at the load is the one that conversations are asked in. */
class PromptFormatTest {
  private static final int USER = 195;
  private static final int ASSISTANT = 196;
  private static final int END = 2;
  private static final GenerationOptions SAMPLING = GenerationOptions.greedy().withMaxNewTokens(4);

  @ParameterizedTest
  @EnumSource(value = PromptFormat.class, names = "TEMPLATE", mode = EnumSource.Mode.EXCLUDE)
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

  /** A template that says what the current format is gives the same prompt, and the same answer. */
  @Test
  void theTemplateOfTheFolderIsUsedWhereItIsAskedFor(@TempDir Path folder) throws IOException {
    Path model = Fixtures.model("tiny-baichuan2-13b-chat");
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.toList()) {
        Files.createSymbolicLink(folder.resolve(file.getFileName()), file.toAbsolutePath());
      }
    }
    ModelFormatException missing =
        assertThrows(
            ModelFormatException.class,
            () -> Baichuan.loader(folder).promptFormat(PromptFormat.TEMPLATE).load());
    assertTrue(missing.getMessage().contains("no chat template"), missing::getMessage);
    Files.writeString(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}{{ '<reserved_106>' if m.role == 'user' else '<reserved_107>' }}"
            + "{{ m.content }}{% endfor %}{% if add_generation_prompt %}<reserved_107>{% endif %}");
    List<ChatMessage> messages = List.of(ChatMessage.user("你好 <reserved_107>"));
    try (Baichuan own = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
        Baichuan templated =
            Baichuan.loader(folder)
                .device(own.info().device())
                .promptFormat(PromptFormat.TEMPLATE)
                .load()) {
      assertEquals(Optional.of(PromptFormat.CURRENT), own.info().promptFormat());
      assertEquals(Optional.of(PromptFormat.TEMPLATE), templated.info().promptFormat());
      GenerationResult expected = own.chat(messages, SAMPLING).result();
      GenerationResult actual = templated.chat(messages, SAMPLING).result();
      assertEquals(expected.usage().promptTokens(), actual.usage().promptTokens());
      assertEquals(expected.tokenIds(), actual.tokenIds());
    }
  }
}
