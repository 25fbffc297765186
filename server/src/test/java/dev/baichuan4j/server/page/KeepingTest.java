package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The list of conversations: names, search, files, several tabs, a browser that keeps nothing. */
@EnabledIf(
    value = "dev.baichuan4j.server.page.Chromium#isInstalled",
    disabledReason = Chromium.MISSING)
class KeepingTest {
  @TempDir private Path folder;

  private final ScriptedModel model = new ScriptedModel();
  private final Tab tab = Chromium.newTab();

  @BeforeEach
  void open() {
    tab.open(model.address());
    tab.waitForText("option", "one");
  }

  @AfterEach
  void close() {
    try (model;
        tab) {}
  }

  private void talk(String question, String answer) {
    model.say(answer);
    tab.click(".composer textarea");
    tab.type(question);
    tab.press("Enter");
    tab.waitForText(".message.assistant .body", answer);
    tab.waitForStored(answer);
  }

  private void talkAnew(String question, String answer) {
    tab.press("Alt+KeyN");
    tab.waitForCount(".message", 0);
    talk(question, answer);
  }

  @Test
  void aConversationIsRenamed() {
    talk("question", "answer");
    tab.press("F2");
    tab.waitFor("document.activeElement.matches('.conversations input')");
    tab.type("中国的河流");
    tab.press("Enter");
    tab.waitForText("h1", "中国的河流");
    tab.reload();
    tab.waitForText(".conversations .title", "中国的河流");
  }

  @Test
  void aConversationIsDeletedAndBroughtBack() {
    talk("question", "answer");
    tab.hover(".conversations li");
    tab.click(".conversations .icon-button:last-child");
    tab.waitForCount(".conversations li", 0);
    tab.waitForCount(".message", 0);
    tab.click(".toast button");
    tab.waitForCount(".conversations li", 1);
    tab.reload();
    tab.click(".conversations a");
    tab.waitForText(".message.assistant .body", "answer");
  }

  @Test
  void aSearchFindsWhatWasSaidAlsoInAnotherBranch() {
    talk("rivers", "the Yangtze");
    model.say("the Yellow River");
    tab.press("Alt+KeyR");
    tab.waitForText(".message.assistant .body", "the Yellow River");
    tab.waitForStored("Yellow");
    talkAnew("mountains", "K2");
    tab.press("Control+KeyK");
    tab.type("yangtze");
    tab.waitForCount(".conversations li", 1);
    assertEquals("Yangtze", tab.text(".snippet mark"));
    tab.click(".conversations a");
    tab.waitForText(".message.assistant .body", "the Yangtze");
    tab.waitForText(".branches > span", "1/2");
    tab.press("Control+KeyK");
    tab.type("nothing has this");
    tab.waitForCount(".conversations li", 0);
    assertTrue(tab.text(".sidebar").contains("Nothing found"));
  }

  @Test
  void conversationsAreExportedAndImported() throws Exception {
    talk("first", "1");
    talkAnew("second", "2");
    tab.keepDownloads(folder);
    tab.click("[aria-label='Export all conversations']");
    JsonNode file = DevTools.JSON.readTree(Files.readString(downloaded()));
    assertEquals(2, file.get("conversations").size());
    ArrayNode conversations = (ArrayNode) file.get("conversations");
    conversations.remove(1);
    Path half = folder.resolve("half.json");
    Files.writeString(half, file.toString());

    try (Tab elsewhere = Chromium.newTab()) {
      elsewhere.open(model.address());
      elsewhere.waitForText("option", "one");
      choose(elsewhere, half);
      elsewhere.waitForCount(".conversations li", 1);
      elsewhere.click(".conversations a");
      elsewhere.waitForText(".message.assistant .body", "2");
    }
  }

  @Test
  void aFileThatIsNoneIsRefusedWithTheReason() throws Exception {
    Path wrong = folder.resolve("wrong.json");
    Files.writeString(
        wrong,
        "{\"format\":\"baichuan4j conversations\",\"version\":1,\"conversations\":[{\"id\":5}]}");
    choose(tab, wrong);
    tab.waitForText(".banner", "wrong.json was not imported: conversations[0].id has value 5");
    assertEquals(0, tab.count(".conversations li"));
  }

  @Test
  void twoTabsShowTheSameConversations() {
    talk("question", "answer");
    Tab other = tab.sibling();
    try (other) {
      other.open(model.address());
      other.waitForText(".conversations .title", "question");
      other.click(".conversations a");
      other.waitForText(".message.assistant .body", "answer");
      model.say("from the other tab");
      other.click(".composer textarea");
      other.type("go on");
      other.press("Enter");
      tab.waitForText(".message.assistant .body", "from the other tab");
    }
  }

  @Test
  void anAnswerGoesOnWhileAnotherConversationIsShown() {
    CountDownLatch rest = model.sayHalf("one two three four");
    tab.click(".composer textarea");
    tab.type("count");
    tab.press("Enter");
    tab.waitForText(".message.assistant .body", "one two");
    talkAnew("other", "something else");
    rest.countDown();
    tab.waitForStored("one two three four");
    tab.press("Alt+ArrowDown");
    tab.waitForText(".message.assistant .body", "one two three four");
  }

  @Test
  void aFullStorageIsToldAndTheConversationStays() {
    String origin = model.address().replaceAll("/$", "");
    try (Tab full = Chromium.newTab()) {
      // Before the first write: the browser remembers for 30 s how much room there was.
      full.call("Storage.overrideQuotaForOrigin", Map.of("origin", origin, "quotaSize", 1));
      full.open(model.address());
      full.waitForText("option", "one");
      model.say("not kept");
      full.click(".composer textarea");
      full.type("first");
      full.press("Enter");
      full.waitForText(".banner", "storage is full");
      full.waitForText(".message.assistant .body", "not kept");
      full.waitFor("document.querySelectorAll('[aria-busy=true]').length === 0");
      full.press("Alt+KeyN");
      full.waitForCount(".message", 0);
      full.press("Alt+ArrowDown");
      full.waitForText(".message.assistant .body", "not kept");
      full.call("Storage.overrideQuotaForOrigin", Map.of("origin", origin));
      model.say("room again");
      full.click(".composer textarea");
      full.type("second");
      full.press("Enter");
      full.waitForStored("room again");
      full.reload();
      full.waitForText(".message.assistant .body", "not kept");
      full.waitForCount(".message", 4);
    }
  }

  @Test
  void aConversationThatIsNotHereIsTold() {
    tab.open(model.address() + "#nosuchid");
    tab.waitForText(".toast", "not in this browser");
  }

  @Test
  void aLongConversationOpensAtOnceAndIsFormattedLater() throws Exception {
    StringBuilder messages = new StringBuilder("[");
    for (int i = 0; i < 400; i++) {
      messages
          .append(i == 0 ? "" : ",")
          .append("{\"role\":\"")
          .append(i % 2 == 0 ? "user" : "assistant")
          .append("\",\"content\":\"**message** ")
          .append(i)
          .append(" with `code` and $x_")
          .append(i)
          .append("$\"}");
    }
    Path file = folder.resolve("long.json");
    Files.writeString(file, messages.append("]").toString());
    choose(tab, file);
    tab.click(".conversations a");
    tab.waitForCount(".message", 400);
    tab.waitForCount(".message.assistant strong", 200);
    assertEquals(200, tab.count(".message.assistant math"));
  }

  private Path downloaded() throws IOException {
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); System.nanoTime() < end; ) {
      try (Stream<Path> files = Files.list(folder)) {
        List<Path> done = files.filter(file -> file.toString().endsWith(".json")).toList();
        if (!done.isEmpty()) return done.get(0);
      }
      Tab.pause();
    }
    throw new AssertionError("no file has come");
  }

  private static void choose(Tab tab, Path file) {
    JsonNode input =
        tab.call(
            "Runtime.evaluate", Map.of("expression", "document.querySelector('input[type=file]')"));
    tab.call(
        "DOM.setFileInputFiles",
        Map.of("files", List.of(file.toString()), "objectId", input.at("/result/objectId")));
  }
}
