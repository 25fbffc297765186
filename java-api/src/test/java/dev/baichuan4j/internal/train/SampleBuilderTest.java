package dev.baichuan4j.internal.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.FineTuner.Labels;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelInfo.ChatRoles;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SampleBuilderTest {
  private static final int USER = 195;
  private static final int ASSISTANT = 196;
  private static final int END = 2;
  private static final Tokenizer TOKENIZER =
      Tokenizer.load(
          Path.of(System.getProperty("baichuan4j.root", ".."), "models/tiny-baichuan2-13b-chat"));

  private static SampleBuilder builder(Tokenizer tokenizer, Labels labels, int maxLength) {
    return new SampleBuilder(
        tokenizer, Optional.of(new ChatRoles(USER, ASSISTANT)), END, labels, maxLength);
  }

  private static List<Sample> samples(SampleBuilder builder, Example example) {
    List<Sample> samples = new ArrayList<>();
    builder.add(example, samples::add);
    return samples;
  }

  private static Example conversation(String... texts) {
    List<ChatMessage> messages = new ArrayList<>();
    for (String text : texts) {
      messages.add(new ChatMessage(messages.size() % 2 == 0 ? Role.USER : Role.ASSISTANT, text));
    }
    return new Example.Conversation("line 1", messages);
  }

  private static int[] join(Object... parts) {
    return Stream.of(parts)
        .flatMapToInt(
            part -> part instanceof int[] ids ? IntStream.of(ids) : IntStream.of((Integer) part))
        .toArray();
  }

  private static int[] none(int count) {
    return IntStream.generate(() -> -1).limit(count).toArray();
  }

  @Test
  void labelsAreThoseOfThePublishedScript() throws IOException {
    String shared = System.getProperty("baichuan4j.shared");
    Path golden =
        Path.of(shared == null ? "none" : shared, "tokenizers/baichuan2/golden_finetune.json");
    assumeTrue(Files.exists(golden), "published tokenizers are not at hand");
    JsonNode json = new ObjectMapper().readTree(golden.toFile());
    String[] texts = new String[json.get("conversations").size()];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = json.get("conversations").get(i).get("value").asText();
    }
    Tokenizer tokenizer = Tokenizer.load(golden.resolveSibling("tokenizer.model"));
    Sample sample = samples(builder(tokenizer, Labels.ALL_TURNS, 512), conversation(texts)).get(0);
    int length = json.get("input_ids").size();
    int[] ids = new int[length - 1];
    int[] targets = new int[length - 1];
    for (int i = 0; i + 1 < length; i++) {
      ids[i] = json.get("input_ids").get(i).asInt();
      int label = json.get("labels").get(i + 1).asInt();
      targets[i] = label == -100 ? -1 : label;
    }
    assertArrayEquals(ids, sample.ids());
    assertArrayEquals(targets, sample.targets());
  }

  @ParameterizedTest
  @EnumSource(Labels.class)
  void theTurnsThatAreAskedForAreLearned(Labels labels) {
    Sample sample =
        samples(builder(TOKENIZER, labels, 512), conversation("你好", "再见", "谁", "我")).get(0);
    int[] hello = TOKENIZER.encode("你好");
    int[] bye = TOKENIZER.encode("再见");
    int[] who = TOKENIZER.encode("谁");
    int[] me = TOKENIZER.encode("我");
    assertArrayEquals(join(USER, hello, ASSISTANT, bye, USER, who, ASSISTANT, me), sample.ids());
    int[] expected =
        switch (labels) {
          case ALL_TURNS -> join(none(hello.length + 1), bye, END, none(who.length + 1), me, END);
          case LAST_TURN -> join(none(hello.length + 1 + bye.length + 1 + who.length + 1), me, END);
          case EVERYTHING -> join(hello, ASSISTANT, bye, END, who, ASSISTANT, me, END);
        };
    assertArrayEquals(expected, sample.targets());
  }

  @Test
  void whatIsTooLongIsCutAndCounted() {
    SampleBuilder builder = builder(TOKENIZER, Labels.ALL_TURNS, 4);
    List<Sample> samples = samples(builder, conversation("你", "天下第一山，是哪一座山？"));
    assertEquals(4, samples.get(0).ids().length);
    assertEquals(1, builder.truncated());
    assertEquals(0, builder.dropped());
    assertEquals(List.of(), samples(builder, conversation("天下第一山，是哪一座山？", "你")));
    assertEquals(2, builder.truncated());
    assertEquals(1, builder.dropped());
  }

  @Test
  void aTextIsCutIntoSamplesThatMissNoTarget() {
    String text = "床前明月光，疑是地上霜。举头望明月，低头思故乡。";
    int[] ids = TOKENIZER.encode(text);
    List<Sample> samples =
        samples(builder(TOKENIZER, Labels.ALL_TURNS, 5), new Example.Text("line 1", text));
    assertArrayEquals(
        join(IntStream.of(ids).skip(1).toArray(), END),
        samples.stream().flatMapToInt(sample -> IntStream.of(sample.targets())).toArray());
    assertTrue(samples.stream().allMatch(sample -> sample.ids().length <= 5));
    assertEquals(ids.length, samples.stream().mapToInt(sample -> sample.ids().length).sum());
  }

  @Test
  void aModelWithoutRolesIsToldWhatItCanLearn() {
    SampleBuilder builder =
        new SampleBuilder(TOKENIZER, Optional.empty(), END, Labels.ALL_TURNS, 64);
    String message =
        assertThrows(InvalidRequestException.class, () -> samples(builder, conversation("你", "我")))
            .getMessage();
    assertTrue(message.contains("expected a chat model"), message);
  }
}
