package dev.baichuan4j.langchain4j;

import static dev.baichuan4j.langchain4j.Script.call;

import dev.baichuan4j.Baichuan;

/** What a clever model would say to LangChain4j's tests of chat models. */
final class ModelScript {
  private static final String BERLIN = "{\"city\": \"Berlin\"}";
  private static final String MUNICH = call("getWeather", "{\"city\": \"Munich\"}");

  private ModelScript() {}

  static Baichuan read() {
    return new Script()
        .afterResult("14:35", "It is sunny in Munich, and 14:35 in France.")
        .afterResult("10:14", "It is 10:14 now.")
        .afterResult("sunny", "It is sunny in Munich.", "{\"weather\": \"sunny\"}")
        .say("single 'city' field", BERLIN)
        .say("How much is 2 + 2?", "The capital of Germany is Berlin, and 2 + 2 is 4.")
        .say("What is the capital of Germany?", "The capital of Germany is Berlin.", BERLIN)
        .say("Translate: 'I love you'", "Ich liebe dich")
        .say("What is my favorite color?", "Your favorite color is green.")
        .say("Say 'Hello World'", "Hello World")
        .say("Tell me a long story", "Once upon a time there was a fox. ".repeat(20))
        .say(
            "weather in Munich and time in France",
            MUNICH + "\n" + call("getTime", "{\"country\": \"France\"}"))
        .say("What is the weather in Munich?", MUNICH)
        .say("I live in Munich", MUNICH)
        .say("What is the time now?", call("get_current_time", "{}"))
        .read();
  }
}
