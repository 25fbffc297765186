package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.internal.engine.constrain.TextCheck;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;

/**
 * A model whose words a test dictates, for tests that ask what the tiny model does not know: the
 * capital of Germany, when to call a tool. The tiny model reads the prompt and writes these words
 * token by token under a constraint of its own; the stream, the limits, the counts and the end are
 * those of any answer. Where the request binds the answer, by tools or a schema, the words are the
 * first of several that it lets a model write.
 */
final class Dictation {
  private Dictation() {}

  /** Returns the model with a script that has the words to answer a conversation with. */
  static Baichuan of(Baichuan model, Function<List<ChatMessage>, List<String>> script) {
    return (Baichuan)
        Proxy.newProxyInstance(
            Dictation.class.getClassLoader(),
            new Class<?>[] {Baichuan.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("chat") && arguments.length == 2) {
                @SuppressWarnings("unchecked")
                List<ChatMessage> messages = (List<ChatMessage>) arguments[0];
                GenerationOptions options = (GenerationOptions) arguments[1];
                return model.chat(messages, dictated(options, script.apply(messages)));
              }
              try {
                return method.invoke(model, arguments);
              } catch (InvocationTargetException failure) {
                throw failure.getCause();
              }
            });
  }

  private static GenerationOptions dictated(GenerationOptions options, List<String> words) {
    String allowed =
        words.stream()
            .filter(one -> options.constraint().map(asked -> lets(asked, one)).orElse(true))
            .findFirst()
            .orElseThrow(
                () -> new AssertionError("the request lets a model write none of " + words));
    return options.withConstraint(Constraint.choice(List.of(allowed)));
  }

  private static boolean lets(Constraint constraint, String words) {
    return TextCheck.of(constraint, words.getBytes(StandardCharsets.UTF_8)).accepted();
  }
}
