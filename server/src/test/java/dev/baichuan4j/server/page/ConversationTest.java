package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** What is said, and what can be done with it. */
@EnabledIf(
    value = "dev.baichuan4j.server.page.Chromium#isInstalled",
    disabledReason = Chromium.MISSING)
class ConversationTest {
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
        tab) {
      assertTrue(
          tab.requests().stream().allMatch(address -> address.startsWith(model.address())),
          () -> "requests to elsewhere: " + tab.requests());
    }
  }

  private void ask(String question) {
    tab.click(".composer textarea");
    tab.type(question);
    tab.press("Enter");
  }

  private void waitForAnswer(String text) {
    tab.waitForText(".message.assistant .body", text);
    tab.waitFor("document.querySelectorAll('[aria-busy=true]').length === 0");
  }

  @Test
  void aQuestionIsSentAndItsAnswerStreams() throws Exception {
    CountDownLatch rest = model.sayHalf("床前明月光，疑是地上霜。");
    ask("静夜思");
    tab.waitForText(".message.assistant .body", "床前明月光，");
    assertFalse(tab.text(".message.assistant .body").contains("霜"));
    assertTrue(tab.isShown(".send-button.stop"));
    rest.countDown();
    waitForAnswer("疑是地上霜。");
    tab.waitForText(".facts", "6 tokens");
    assertEquals("106 / 1,000", tab.text(".context span"));
    assertEquals("静夜思", tab.text("h1"));
    JsonNode request = model.request();
    assertEquals("one", request.get("model").asText());
    assertEquals("[{\"role\":\"user\",\"content\":\"静夜思\"}]", request.get("messages").toString());
    assertTrue(request.get("stream").asBoolean());
    assertTrue(request.at("/stream_options/include_usage").asBoolean());
    assertEquals(4, request.size(), request.toString());
  }

  @Test
  void anAnswerThatIsStoppedIsKeptAndCanGoOn() throws Exception {
    model.sayHalf("one two three four");
    ask("count");
    tab.waitForText(".message.assistant .body", "one two");
    tab.press("Escape");
    tab.waitForText(".facts", "stopped");
    tab.waitForExactly(".message.assistant .body", "one two");
    model.request();
    model.say("three four");
    tab.click("[data-action=play]");
    waitForAnswer("one two three four");
    assertEquals(1, tab.count(".message.assistant"));
    JsonNode messages = model.request().get("messages");
    assertEquals("assistant", messages.get(1).get("role").asText());
    assertEquals("one two ", messages.get(1).get("content").asText());
  }

  @Test
  void anotherAnswerIsABranchAndBothAreKept() throws Exception {
    model.say("first");
    ask("q");
    waitForAnswer("first");
    model.say("second");
    tab.press("Alt+KeyR");
    waitForAnswer("second");
    assertEquals(List.of("2/2"), tab.texts(".branches > span"));
    model.request();
    assertEquals(1, model.request().get("messages").size());
    tab.press("Alt+BracketLeft");
    tab.waitForText(".branches > span", "1/2");
    tab.waitForExactly(".message.assistant .body", "first"); // it is drawn behind the label
    tab.click("[data-action=right]");
    tab.waitForText(".message.assistant .body", "second");
  }

  @Test
  void aQuestionThatIsEditedBecomesABranch() throws Exception {
    model.say("Paris");
    ask("capital of France");
    waitForAnswer("Paris");
    tab.press("ArrowUp");
    tab.waitFor("document.activeElement.matches('.editor textarea')");
    tab.press("End");
    tab.type(" and Italy");
    model.say("Paris and Rome");
    tab.press("Enter");
    waitForAnswer("Paris and Rome");
    assertEquals("capital of France and Italy", tab.text(".message.user .body"));
    tab.press("Alt+BracketLeft");
    tab.waitForText(".message.user .body", "capital of France");
    tab.waitForExactly(".message.assistant .body", "Paris");
  }

  @Test
  void anAnswerThatIsEditedIsWhatTheModelHasSaid() throws Exception {
    model.say("wrong");
    ask("q");
    waitForAnswer("wrong");
    tab.click(".message.assistant [data-action=edit]");
    tab.waitFor("document.activeElement.matches('.editor textarea')");
    tab.evaluate("document.activeElement.select()");
    tab.type("**right**");
    tab.press("Control+Enter");
    tab.waitForText(".message.assistant strong", "right");
    model.say("ok");
    ask("go on");
    waitForAnswer("ok");
    model.request();
    assertEquals("**right**", model.request().at("/messages/1/content").asText());
  }

  @Test
  void aReloadKeepsTheConversationAndWhatWasTyped() {
    model.say("# Title\n\n- one\n- two");
    ask("list");
    waitForAnswer("two");
    tab.type("half a ques");
    tab.reload();
    tab.waitForCount(".message.assistant li", 2);
    assertEquals("list", tab.text(".message.user .body"));
    assertEquals("half a ques", tab.value(".composer textarea"));
    tab.press("Alt+KeyN");
    tab.waitForCount(".message", 0);
    assertEquals("", tab.value(".composer textarea"));
    tab.press("Alt+ArrowDown");
    tab.waitForCount(".message", 2);
    assertEquals("half a ques", tab.value(".composer textarea"));
  }

  @Test
  void aReloadWhileAnAnswerIsWrittenKeepsItsBegin() {
    model.sayHalf("alpha beta gamma delta");
    ask("greek");
    tab.waitForText(".message.assistant .body", "alpha beta");
    tab.waitForStored("alpha beta");
    tab.reload();
    tab.waitForText(".message.assistant .body", "alpha");
    tab.waitForText(".facts", "not finished");
    model.say(" and the rest");
    tab.press("Alt+KeyC");
    waitForAnswer("and the rest");
  }

  @Test
  void whatIsTypedInAnEditorIsKeptOverAReload() {
    model.say("a");
    ask("question");
    waitForAnswer("a");
    tab.click(".message.user [data-action=edit]");
    tab.waitFor("document.activeElement.matches('.editor textarea')");
    tab.type(" and more");
    tab.reload();
    tab.waitForCount(".editor textarea", 1);
    assertTrue(tab.value(".editor textarea").contains("and more"));
    tab.click(".editor textarea");
    tab.press("Escape");
    tab.waitForCount(".editor", 0);
    assertEquals("question", tab.text(".message.user .body"));
  }

  @Test
  void anErrorOfTheServerIsShownAndCanBeTriedAgain() {
    model.refuse(400, "messages has 5000 tokens, expected 1000 at most");
    ask("too long");
    tab.waitForText(".message .failure", "messages has 5000 tokens, expected 1000 at most");
    model.say("now it fits");
    tab.click(".failure button");
    waitForAnswer("now it fits");
  }

  @Test
  void anAnswerThatBreaksOffIsToldAndKept() {
    model.breakOff("the begin");
    ask("q");
    tab.waitForText(".message .failure", "broke off");
    tab.waitForExactly(".message.assistant .body", "the begin");
  }

  @Test
  void anInputMethodTakesEnterForItself() {
    tab.click(".composer textarea");
    tab.call(
        "Input.imeSetComposition",
        Map.of("text", "ni hao", "selectionStart", 6, "selectionEnd", 6));
    tab.call(
        "Input.dispatchKeyEvent",
        Map.of("type", "keyDown", "key", "Process", "code", "Enter", "windowsVirtualKeyCode", 229));
    assertEquals(0, tab.count(".message"));
    tab.call("Input.insertText", Map.of("text", "你好"));
    assertEquals("你好", tab.value(".composer textarea"));
    assertEquals(0, tab.count(".message"));
    model.say("您好");
    tab.press("Enter");
    waitForAnswer("您好");
  }

  @Test
  void shiftEnterBeginsALine() throws Exception {
    tab.click(".composer textarea");
    tab.type("a");
    tab.press("Shift+Enter");
    tab.type("b");
    model.say("ok");
    tab.press("Enter");
    waitForAnswer("ok");
    assertEquals("a\nb", model.request().at("/messages/0/content").asText());
  }

  @Test
  void whatAModelWritesNeverRuns() {
    String attack =
        "<script>window.hacked = 1</script> <img src=x onerror=\"window.hacked = 2\">"
            + " [link](javascript:window.hacked=3) <svg/onload=window.hacked=4>\n\n"
            + "```html\n<script>window.hacked = 5</script>\n```\n\n$\\href{javascript:window.hacked=6}{x}$";
    model.say(attack);
    ask(attack);
    waitForAnswer("window.hacked = 5");
    String shown = tab.text(".message.assistant .body");
    assertTrue(shown.contains("<script>window.hacked = 1</script>"), shown);
    assertTrue(shown.contains("<img src=x onerror="), shown);
    assertEquals(attack.strip(), tab.text(".message.user .body").strip());
    assertEquals(0, tab.count(".message script, .message img, .message a, .message iframe"));
    assertTrue(tab.evaluate("window.hacked === undefined").asBoolean());
  }

  @Test
  void thePolicyStopsWhatWouldGetThroughThePage() {
    for (String call :
        List.of(
            "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
            "document.querySelector('.hint').innerHTML = '<img src=x onerror=hacked()>'",
            "document.createElement('script').text = 'hacked()'",
            "document.createElement('iframe').srcdoc = '<b>x</b>'")) {
      assertEquals(
          "TypeError",
          tab.evaluate(
                  "(() => { try { " + call + "; return 'done'; } catch (e) { return e.name; } })()")
              .asText(),
          call);
    }
    assertEquals(
        "TypeError",
        tab.evaluate("fetch('http://127.0.0.1:9/').then(() => 'done', (e) => e.name)").asText());
    tab.waitFor("true");
    assertTrue(
        tab.faults().stream().anyMatch(fault -> fault.contains("connect-src")),
        tab.faults().toString());
    tab.faults().clear();
    assertFalse(tab.requests().isEmpty());
    tab.requests().removeIf(address -> address.equals("http://127.0.0.1:9/"));
  }

  @Test
  void onlyTheLastBlockOfAnAnswerIsMadeAnewWhileItIsWritten() {
    CountDownLatch rest =
        model.sayHalf("first block\n\nsecond block\n\n" + "third block and more of it ".repeat(4));
    ask("long");
    tab.waitForText(".message.assistant .body", "third block");
    tab.evaluate(
        "document.querySelector('.message.assistant .body').children[0].mark = 'same'; document.querySelector('.message.user').mark = 'same'");
    rest.countDown();
    waitForAnswer("more of it third block and more of it third block and more of it third block");
    assertEquals(
        "same",
        tab.evaluate("document.querySelector('.message.assistant .body').children[0].mark")
            .asText());
    assertEquals("same", tab.evaluate("document.querySelector('.message.user').mark").asText());
  }
}
