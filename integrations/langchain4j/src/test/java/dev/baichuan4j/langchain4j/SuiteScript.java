package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What a clever model would say to the requests of LangChain4j's abstract tests. */
final class SuiteScript {
  private static final String BERLIN = "{\"city\": \"Berlin\"}";
  private static final String MUNICH = call("getWeather", "{\"city\": \"Munich\"}");

  /** Parts of a last message, and the answers to the first of them that it has. */
  private static final Map<String, List<String>> ANSWERS = new LinkedHashMap<>();

  static {
    say("single 'city' field", BERLIN);
    say("How much is 2 + 2?", "The capital of Germany is Berlin, and 2 + 2 is 4.");
    say("What is the capital of Germany?", "The capital of Germany is Berlin.", BERLIN);
    say("Translate: 'I love you'", "Ich liebe dich");
    say("What is my favorite color?", "Your favorite color is green.");
    say("Say 'Hello World'", "Hello World");
    say("Tell me a long story", "Once upon a time there was a fox. ".repeat(20));
    say(
        "weather in Munich and time in France",
        MUNICH + "\n" + call("getTime", "{\"country\": \"France\"}"));
    say("What is the weather in Munich?", MUNICH);
    say("I live in Munich", MUNICH);
    say("What is the time now?", call("get_current_time", "{}"));
    say("14:35", "It is sunny in Munich, and 14:35 in France.");
    say("10:14", "It is 10:14 now.");
    say("sunny", "It is sunny in Munich.", "{\"weather\": \"sunny\"}");
  }

  private SuiteScript() {}

  /** Returns a model that answers by this script. */
  static Baichuan read(Baichuan model) {
    return Dictation.of(model, SuiteScript::answer);
  }

  private static void say(String to, String... words) {
    ANSWERS.put(to, List.of(words));
  }

  private static String call(String name, String arguments) {
    return "<tool_call>\n{\"name\": \"%s\", \"arguments\": %s}\n</tool_call>"
        .formatted(name, arguments);
  }

  private static List<String> answer(List<ChatMessage> messages) {
    String last = messages.get(messages.size() - 1).content();
    return ANSWERS.entrySet().stream()
        .filter(entry -> last.contains(entry.getKey()))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow(
            () ->
                new AssertionError(
                    "nothing to say to "
                        + messages.stream()
                            .map(ChatMessage::toString)
                            .collect(Collectors.joining("\n"))));
  }
}
