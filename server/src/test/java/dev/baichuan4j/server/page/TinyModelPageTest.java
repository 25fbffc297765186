package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.Models;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.openai.OpenAiRoutes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * A conversation with the tiny chat model by the whole server, and the pictures of the documents.
 *
 * <p>With {@code -Dpage.pictures} the pictures in {@code docs/} are made anew.
 */
@EnabledIf(
    value = "dev.baichuan4j.server.page.Chromium#isInstalled",
    disabledReason = Chromium.MISSING)
class TinyModelPageTest {
  private static final Path ROOT = Path.of(System.getProperty("baichuan4j.root"));
  private static final String NAME = "tiny-baichuan2-13b-chat";

  private static final String WRITTEN =
      """
      设比较次数的平均值为 $T(n)$，则

      $$T(n) = n - 1 + \\frac{2}{n}\\sum_{k=0}^{n-1} T(k) \\approx 2n\\ln n.$$

      ```java
      static void sort(int[] a, int from, int to) {
        if (to - from < 2) return; // 已经有序
        int pivot = a[(from + to) >>> 1], i = from, j = to - 1;
        while (i <= j) {
          while (a[i] < pivot) i++;
          while (a[j] > pivot) j--;
          if (i <= j) swap(a, i++, j--);
        }
        sort(a, from, j + 1);
        sort(a, i, to);
      }
      ```

      | 情形 | 时间 | 额外空间 |
      |:--|:--|:--|
      | **平均** | $O(n\\log n)$ | $O(\\log n)$ |
      | 最坏 | $O(n^2)$ | $O(n)$ |
      """;

  private static Baichuan model;
  private static BaichuanServer server;

  @BeforeAll
  static void start() throws IOException {
    model = Baichuan.load(ROOT.resolve("models").resolve(NAME));
    ApiLimits limits =
        new ApiLimits(20_000, 8, Duration.ofMinutes(5), Duration.ofSeconds(15), false);
    server =
        BaichuanServer.start(
            HttpSettings.local(),
            List.of(new OpenAiRoutes(new OneModel(), limits), new PageRoutes()));
  }

  @AfterAll
  static void stop() {
    if (server != null) server.close();
    if (model != null) model.close();
  }

  private static void ask(Tab tab, String question) {
    tab.click(".composer textarea");
    tab.type(question);
    tab.click(".send-button");
    tab.waitForText(".message.user .body", question);
    tab.waitFor(
        "document.querySelectorAll('[aria-busy=true]').length === 0 && document.querySelector('.facts:not(:empty)')");
  }

  @Test
  void aConversationWithTheTinyModelStreamsAndIsKept() throws Exception {
    try (Tab tab = Chromium.newTab()) {
      open(tab);
      tab.press("Control+Comma");
      tab.click("#setting-temperature");
      tab.type("0");
      tab.click(".alternatives input[type=checkbox]");
      tab.press("Escape");
      String question = "床前明月光的下一句是什么？";
      String answer =
          model
              .chat(
                  List.of(ChatMessage.user(question)),
                  model.defaultOptions().withDoSample(true).withTemperature(0))
              .text()
              .strip();
      assertTrue(answer.length() > 5, answer);
      ask(tab, question);
      assertEquals(answer, tab.text(".message.assistant .body").strip());
      tab.waitForText(".facts", "词元/秒");
      assertTrue(tab.text(".context span").matches("\\d+ / 1,024"), tab.text(".context span"));
      tab.press("Alt+KeyP");
      JsonNode shown =
          tab.evaluate(
              "[...document.querySelectorAll('.token')].map((e) => e.textContent).join('')");
      assertTrue(shown.asText().contains(answer), shown.asText());
      picture(tab, "web-page-probabilities", true);
      tab.press("Alt+KeyP");
      ask(tab, "谁写的？");
      tab.reload();
      tab.waitForCount(".message", 4);
      tab.waitForText(".message.assistant .body", answer);
    }
  }

  @Test
  void anAnswerInJsonIsAskedOfTheTinyModel() throws Exception {
    try (Tab tab = Chromium.newTab()) {
      open(tab);
      tab.press("Control+Comma");
      tab.click("input[value=json_schema]");
      tab.evaluate("document.querySelector('#schema').select()");
      tab.click("#schema");
      tab.press("Control+KeyA");
      tab.evaluate("document.querySelector('#schema').select()");
      tab.type(
          "{\"type\":\"object\",\"properties\":{\"poet\":{\"enum\":[\"李白\",\"杜甫\"]}},\"required\":[\"poet\"],\"additionalProperties\":false}");
      tab.press("Escape");
      ask(tab, "静夜思是谁写的？");
      tab.waitForText(".message .code", "\"poet\"");
      JsonNode answer = DevTools.JSON.readTree(tab.text(".message .code code"));
      assertTrue(List.of("李白", "杜甫").contains(answer.get("poet").asText()), answer.toString());
      assertEquals(1, answer.size());
    }
  }

  @Test
  void whatTheServerRefusesIsShown() {
    try (Tab tab = Chromium.newTab()) {
      open(tab);
      tab.click(".composer textarea");
      tab.type("水".repeat(1500));
      tab.click(".send-button");
      tab.waitForCount(".failure:not([hidden])", 1);
      assertTrue(
          tab.text(".failure:not([hidden])").contains("1024"),
          () -> tab.text(".failure:not([hidden])"));
    }
  }

  @Test
  void picturesAreTaken() {
    try (Tab tab = Chromium.newTab()) {
      tab.size(1280, 800, false);
      open(tab);
      tab.press("Control+Comma");
      tab.click("#setting-temperature");
      tab.type("0");
      tab.click(".panel .main-button");
      tab.press("Escape");
      ask(tab, "床前明月光的下一句是什么？");
      tab.press("Alt+KeyN");
      tab.waitForCount(".message", 0);
      ask(tab, "白日依山尽的下一句是什么？");
      tab.press("Alt+KeyN");
      tab.waitForCount(".message", 0);
      ask(tab, "用 Java 写一个快速排序");
      // The tiny model knows poems; formulas, code and tables are shown by an answer that is
      // edited.
      tab.click(".message.assistant [data-action=edit]");
      tab.waitFor("document.activeElement.matches('.editor textarea')");
      tab.evaluate("document.activeElement.select()");
      tab.type(WRITTEN);
      tab.press("Control+Enter");
      tab.waitForCount(".message.assistant table", 1);
      tab.evaluate("document.querySelector('.toasts').replaceChildren()");
      tab.click(".composer textarea");
      picture(tab, "web-page-light", false);
      tab.dark(true);
      picture(tab, "web-page-dark", false);
      tab.dark(false);
      tab.size(390, 780, true);
      tab.reload();
      tab.waitForCount(".message.assistant table", 1);
      picture(tab, "web-page-phone", false);
    }
  }

  private static void open(Tab tab) {
    tab.language("zh-CN");
    tab.open(server.address().toString());
    tab.waitForText("option", NAME);
  }

  private static void picture(Tab tab, String name, boolean hover) {
    if (hover) {
      tab.hover(".token[data-index='1']");
      tab.waitFor("document.querySelector('.token-tip:popover-open')");
    }
    Path folder =
        System.getProperty("page.pictures") == null
            ? Path.of("target", "pictures")
            : ROOT.resolve("docs");
    Path file = folder.resolve(name + ".png");
    tab.screenshot(file);
    long size = file.toFile().length();
    assertTrue(size > 20_000 && size < 400_000, file + " has " + size + " bytes");
  }

  private static final class OneModel implements Models {
    @Override
    public Use use(String name) {
      return new Use() {
        @Override
        public String name() {
          return NAME;
        }

        @Override
        public Baichuan model() {
          return model;
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public List<Card> cards() {
      return List.of(new Card(NAME, 0, model.info().contextLength()));
    }
  }
}
