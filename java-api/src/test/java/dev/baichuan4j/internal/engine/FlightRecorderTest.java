package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.engine.SmallEngine.Recorder;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps and requests in a recording; EngineAllocationTest holds what they cost without one. */
class FlightRecorderTest {
  @TempDir Path folder;

  @Test
  void stepsAndRequestsAreRecorded() throws Exception {
    Path file = folder.resolve("recording.jfr");
    try (Engine engine = SmallEngine.engine(8)) {
      run(engine, new Recorder(2)); // nobody records
      try (Recording recording = new Recording()) {
        recording.enable("dev.baichuan4j.Step");
        recording.enable("dev.baichuan4j.Request");
        recording.start();
        run(engine, new Recorder(5));
        run(engine, new Recorder(5));
        engine.score(SmallEngine.PROMPT, true, 0, (position, logits) -> {});
        recording.stop();
        recording.dump(file);
      }
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    List<RecordedEvent> requests = named(events, "dev.baichuan4j.Request");
    assertEquals(3, requests.size());
    RecordedEvent first = requests.get(0);
    assertEquals(List.of("Baichuan"), first.getEventType().getCategoryNames());
    assertEquals("", first.getString("caller"));
    assertEquals(3, first.getInt("promptTokens"));
    assertEquals(2, first.getInt("cachedTokens")); // of the text before the recording
    assertEquals(5, first.getInt("generatedTokens"));
    assertEquals("length", first.getString("reason"));
    long parts =
        first.getDuration("queueTime").toNanos()
            + first.getDuration("promptTime").toNanos()
            + first.getDuration("generationTime").toNanos();
    assertTrue(first.getDuration("promptTime").toNanos() > 0, first::toString);
    assertTrue(first.getDuration("generationTime").toNanos() > 0, first::toString);
    assertTrue(first.getDuration().toNanos() >= parts / 2, first::toString);
    assertEquals(0, requests.get(2).getInt("generatedTokens"));

    List<RecordedEvent> steps = named(events, "dev.baichuan4j.Step");
    assertEquals(5 + 5 + 1, steps.size());
    for (RecordedEvent step : steps) {
      assertEquals(1, step.getInt("texts"));
      assertTrue(step.getDuration().toNanos() > 0, step::toString);
    }
    RecordedEvent score = steps.get(10);
    assertEquals(3, score.getInt("tokens"));
    assertEquals(3, score.getInt("rows"));
  }

  private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream().filter(e -> e.getEventType().getName().equals(name)).toList();
  }

  private static void run(Engine engine, Recorder request) throws Exception {
    engine.submit(request);
    request.end.get(30, TimeUnit.SECONDS);
  }
}
