package dev.baichuan4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.ToolCallReader;
import dev.baichuan4j.tools.ToolChoice;
import dev.baichuan4j.tools.Tools;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

/** A null argument of any public method or constructor is refused by its name. */
class NullArgumentsTest {
  private static final ModelShape SHAPE =
      new ModelShape(128, 1, 1, 64, 32, 64, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);

  private static final ToolCallReader.Sink SINK =
      new ToolCallReader.Sink() {
        @Override
        public void content(String text) {}

        @Override
        public void call(int index, String id, String name) {}

        @Override
        public void arguments(int index, String fragment) {}
      };

  /** A value for each type of a parameter, and an object for each type that has methods. */
  private static Map<Class<?>, Object> samples(Baichuan model) {
    Map<Class<?>, Object> samples = new HashMap<>();
    samples.put(boolean.class, true);
    samples.put(int.class, 1);
    samples.put(long.class, 1L);
    samples.put(float.class, 1f);
    samples.put(double.class, 1.0);
    samples.put(String.class, "text");
    samples.put(String[].class, new String[] {"text"});
    samples.put(int[].class, new int[] {1});
    samples.put(byte[].class, new byte[] {1});
    samples.put(Path.class, Path.of("no-such-folder"));
    samples.put(List.class, List.of());
    samples.put(Map.class, Map.of());
    samples.put(Optional.class, Optional.empty());
    samples.put(OptionalInt.class, OptionalInt.empty());
    samples.put(Duration.class, Duration.ZERO);
    samples.put(Device.class, Device.cpu());
    samples.put(Quant.class, Quant.BF16);
    samples.put(KvType.class, KvType.F32);
    samples.put(PromptFormat.class, PromptFormat.CURRENT);
    samples.put(ToolForm.class, ToolForm.TEXT);
    samples.put(ChatMessage.ToolPart.Kind.class, ChatMessage.ToolPart.Kind.CALL);
    samples.put(PromptOverflow.class, PromptOverflow.FAIL);
    samples.put(FinishReason.class, FinishReason.STOP);
    samples.put(ChatMessage.Role.class, ChatMessage.Role.USER);
    samples.put(SpecialTokens.class, SpecialTokens.INERT);
    samples.put(ModelShape.class, SHAPE);
    samples.put(ModelShape.Position.class, ModelShape.Position.ROPE);
    samples.put(ModelShape.Head.class, ModelShape.Head.PLAIN);
    samples.put(MemoryPlan.class, new MemoryPlan(1, 1, 1));
    samples.put(ModelInfo.Traffic.class, new ModelInfo.Traffic(1, 1));
    samples.put(Usage.class, new Usage(1, 0, 1, 0, 0));
    samples.put(Timings.class, new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO));
    samples.put(ProgressListener.class, ProgressListener.NONE);
    samples.put(RequestListener.class, (RequestListener) request -> {});
    EngineMetrics metrics = model.metrics();
    samples.put(EngineMetrics.class, metrics);
    samples.put(EngineMetrics.Requests.class, metrics.requests());
    samples.put(EngineMetrics.Tokens.class, metrics.tokens());
    samples.put(EngineMetrics.Pages.class, metrics.pages());
    samples.put(EngineMetrics.Steps.class, metrics.steps());
    samples.put(EngineMetrics.Latency.class, metrics.queue());
    samples.put(LogitsConsumer.class, (LogitsConsumer) (position, logits) -> {});
    samples.put(Dry.class, Dry.OFF);
    samples.put(Xtc.class, Xtc.OFF);
    samples.put(Mirostat.class, Mirostat.OFF);
    samples.put(BeamSearch.class, BeamSearch.OFF);
    samples.put(Constraint.class, Constraint.json());
    samples.put(GenerationOptions.class, GenerationOptions.greedy());
    samples.put(Pooling.class, Pooling.LAST);
    samples.put(Priority.class, Priority.HIGH);
    samples.put(TemplateVariables.class, TemplateVariables.NONE);
    samples.put(Calibration.class, Calibration.of(Path.of("no-such-file")));
    Tools tools = Tools.of(List.of(new Tool("tool", "", "{}")));
    samples.put(Tools.class, tools);
    samples.put(ToolChoice.class, ToolChoice.auto());
    samples.put(ToolCallReader.class, tools.newReader());
    samples.put(ToolCallReader.Sink.class, SINK);
    samples.put(RerankTemplate.class, RerankTemplate.DEFAULT);
    samples.put(FineTuner.class, FineTuner.of(Path.of("no-such-folder")));
    samples.put(FineTuner.Method.class, FineTuner.Method.LORA);
    samples.put(FineTuner.Schedule.class, FineTuner.Schedule.LINEAR);
    samples.put(FineTuner.Labels.class, FineTuner.Labels.LAST_TURN);
    samples.put(FineTuner.Precision.class, FineTuner.Precision.F32);
    samples.put(FineTuner.Listener.class, new FineTuner.Listener() {});
    samples.put(Set.class, Set.of());
    samples.put(OptionalDouble.class, OptionalDouble.empty());
    samples.put(Executor.class, (Executor) Runnable::run);
    samples.put(GenerationListener.class, (GenerationListener) chunk -> {});
    samples.put(Embeddings.class, model.embeddings());
    samples.put(Scoring.class, model.scoring());
    samples.put(Generation.class, model.complete(new int[] {1}, GenerationOptions.greedy()));
    samples.put(Baichuan.class, model);
    samples.put(BaichuanLoader.class, Baichuan.randomLoader(SHAPE));
    samples.put(ChatSession.class, model.newSession());
    Path models = Path.of(System.getProperty("baichuan4j.root", "..")).resolve("models");
    samples.put(Tokenizer.class, Tokenizer.load(models.resolve("tiny-baichuan-7b")));
    return samples;
  }

  private static Baichuan model() {
    return Baichuan.randomLoader(SHAPE).device(Device.cpu()).threads(1).load();
  }

  @Test
  void everyNullArgumentIsRefusedByItsName() throws Exception {
    List<String> wrong = new ArrayList<>();
    int tried = 0;
    try (Baichuan model = model()) {
      Map<Class<?>, Object> samples = samples(model);
      for (Executable executable : executables()) {
        Parameter[] parameters = executable.getParameters();
        for (int i = 0; i < parameters.length; i++) {
          if (!parameters[i].getType().isPrimitive()) {
            tried++;
            Optional<Throwable> failure = call(executable, i, samples);
            if (!failure.map(Throwable::getMessage).equals(Optional.of(parameters[i].getName()))) {
              wrong.add(executable + ", " + parameters[i].getName() + ": " + failure);
            }
          }
        }
      }
    }
    assertEquals(List.of(), wrong);
    assertTrue(tried > 50, "tried " + tried);
  }

  private static List<Executable> executables() throws Exception {
    List<Executable> all = new ArrayList<>();
    for (Class<?> type : PublicApi.types()) {
      if (Throwable.class.isAssignableFrom(type)) {
        continue; // made by the library alone; a cause may be null
      }
      all.addAll(Arrays.asList(type.getConstructors()));
      for (Method method : type.getDeclaredMethods()) {
        int modifiers = method.getModifiers();
        boolean made = method.getName().equals("equals") || type.isEnum();
        // A user writes the listeners; every other interface is implemented by the library.
        boolean users =
            type.isAnnotationPresent(FunctionalInterface.class)
                || type == ToolCallReader.Sink.class
                || type == FineTuner.Listener.class;
        if (Modifier.isPublic(modifiers) && !users && !made) {
          all.add(method);
        }
      }
    }
    return all;
  }

  /** Calls with null at a place and samples everywhere else; returns what was thrown. */
  private static Optional<Throwable> call(
      Executable executable, int place, Map<Class<?>, Object> samples) throws Exception {
    Class<?>[] types = executable.getParameterTypes();
    Object[] arguments = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      arguments[i] = i == place ? null : sample(types[i], samples);
    }
    try {
      if (executable instanceof Constructor<?> constructor) {
        constructor.newInstance(arguments);
      } else if (Modifier.isStatic(executable.getModifiers())) {
        ((Method) executable).invoke(null, arguments);
      } else {
        ((Method) executable).invoke(sample(executable.getDeclaringClass(), samples), arguments);
      }
      return Optional.empty();
    } catch (InvocationTargetException e) {
      return Optional.of(e.getCause());
    }
  }

  private static Object sample(Class<?> type, Map<Class<?>, Object> samples) {
    assertTrue(samples.containsKey(type), () -> "this test has no sample of " + type);
    return samples.get(type);
  }

  @Test
  void aNullInAListIsRefusedByItsPlace() {
    List<ChatMessage> messages = Arrays.asList(ChatMessage.user("a"), null);
    try (Baichuan model = model();
        ChatSession session = model.newSession()) {
      assertEquals(
          "messages[1]",
          assertThrows(NullPointerException.class, () -> model.chat(messages)).getMessage());
      assertEquals(
          "messages[1]",
          assertThrows(NullPointerException.class, () -> session.history(messages)).getMessage());
    }
  }

  @Test
  void aClosedModelRefusesEveryCall() {
    Baichuan model = model();
    Embeddings embeddings = model.embeddings();
    Scoring scoring = model.scoring();
    model.close();
    model.close();
    List<org.junit.jupiter.api.function.Executable> calls =
        List.of(
            model::info,
            model::metrics,
            () -> model.addRequestListener(request -> {}),
            () -> model.removeRequestListener(request -> {}),
            model::defaultOptions,
            model::tokenizer,
            model::newSession,
            () -> model.newSession("a"),
            () -> model.chat("a"),
            () -> model.chat(List.of(ChatMessage.user("a"))),
            () -> model.complete("a", GenerationOptions.greedy()),
            () -> model.complete(new int[] {1}, GenerationOptions.greedy()),
            () -> model.logits(new int[] {1}, false, 0, (position, logits) -> {}),
            model::embeddings,
            model::scoring,
            () -> embeddings.of(new int[] {1}),
            () -> embeddings.of("a"),
            () -> embeddings.of(List.of()),
            () -> scoring.classify("a", List.of("b")),
            () -> scoring.rerank("a", List.of()),
            () -> model.countTokens("a"),
            () -> model.countTokens(List.of(ChatMessage.user("a"))));
    for (int i = 0; i < calls.size(); i++) {
      assertEquals(
          "model is closed",
          assertThrows(IllegalStateException.class, calls.get(i), "call " + i).getMessage());
    }
  }
}
