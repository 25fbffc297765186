package dev.baichuan4j.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Timeout(60)
class BaichuanMetersTest {
  private static Baichuan model() {
    ModelShape shape =
        new ModelShape(128, 1, 1, 64, 32, 256, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);
    return Baichuan.randomLoader(shape).device(Device.cpu()).threads(1).load();
  }

  private static void generate(Baichuan model) {
    GenerationOptions options =
        GenerationOptions.greedy()
            .withMaxNewTokens(4)
            .withLogitBias(Map.of(model.info().endIds().get(0), -100f));
    model.complete(new int[] {1, 2, 3}, options).result();
  }

  private static double counted(MeterRegistry registry, String name, String... tags) {
    return registry.get("baichuan." + name).tags(tags).functionCounter().count();
  }

  private static long timed(MeterRegistry registry, String name) {
    return registry.get("baichuan." + name).timer().count();
  }

  @Test
  void numbersOfAModelAreInTheRegistryUnderItsName() {
    MeterRegistry registry = new SimpleMeterRegistry();
    try (Baichuan model = model()) {
      new BaichuanMeters(model, "tiny").bindTo(registry);
      generate(model);
      generate(model);
      for (Meter meter : registry.getMeters()) {
        assertEquals("tiny", meter.getId().getTag("model"), meter.getId()::toString);
        assertTrue(meter.getId().getDescription() != null, meter.getId()::toString);
        assertTrue(meter.getId().getBaseUnit() != null, meter.getId()::toString);
      }
      assertEquals(2, counted(registry, "requests.finished", "reason", "length"));
      assertEquals(0, counted(registry, "requests.finished", "reason", "failed"));
      assertEquals(8, counted(registry, "tokens.generated"));
      assertEquals(6, counted(registry, "tokens.asked"));
      assertEquals(2, counted(registry, "tokens.cached"));
      assertEquals(0, registry.get("baichuan.requests.running").gauge().value());
      assertTrue(registry.get("baichuan.cache.pages").gauge().value() > 0);
      assertEquals(2, timed(registry, "request.first.token"));
      assertEquals(2, timed(registry, "request.per.token"));
      assertEquals(2, timed(registry, "request.queue"));
      assertEquals(2, timed(registry, "request.total"));
      assertEquals(8, registry.get("baichuan.steps").functionTimer().count());
      assertTrue(
          registry.get("baichuan.steps").functionTimer().totalTime(TimeUnit.NANOSECONDS) > 0);
    }
    // Closed.
    assertEquals(8, counted(registry, "tokens.generated"));
    assertEquals(0, registry.get("baichuan.cache.pages").gauge().value());
  }

  @Test
  void twoModelsShareARegistryAndLeaveIt() {
    MeterRegistry registry = new SimpleMeterRegistry();
    MeterRegistry other = new SimpleMeterRegistry();
    try (Baichuan first = model();
        Baichuan second = model()) {
      BaichuanMeters meters = new BaichuanMeters(first, "first");
      meters.bindTo(registry);
      meters.bindTo(other);
      new BaichuanMeters(second, "second").bindTo(registry);
      generate(second);
      assertEquals(0, counted(registry, "tokens.generated", "model", "first"));
      assertEquals(4, counted(registry, "tokens.generated", "model", "second"));
      meters.close();
      meters.close();
      Set<String> names =
          registry.getMeters().stream()
              .map(meter -> meter.getId().getTag("model"))
              .collect(Collectors.toCollection(TreeSet::new));
      assertEquals(Set.of("second"), names);
      assertEquals(List.of(), other.getMeters());
      generate(first);
    }
  }

  @Test
  void metersKeepNoModelThatWasDropped() throws InterruptedException {
    MeterRegistry registry = new SimpleMeterRegistry();
    WeakReference<Baichuan> dropped = boundAndDropped(registry);
    while (dropped.get() != null) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(4, counted(registry, "tokens.generated"));
  }

  private static WeakReference<Baichuan> boundAndDropped(MeterRegistry registry) {
    Baichuan model = model();
    new BaichuanMeters(model, "dropped").bindTo(registry);
    generate(model);
    assertEquals(4, counted(registry, "tokens.generated"));
    return new WeakReference<>(model);
  }

  @Test
  void wrongUseIsRefused() {
    Baichuan model = model();
    BaichuanMeters meters = new BaichuanMeters(model, "tiny");
    assertEquals("registry", nullMessage(() -> meters.bindTo(null)));
    assertEquals("model", nullMessage(() -> new BaichuanMeters(null, "tiny")));
    assertEquals("name", nullMessage(() -> new BaichuanMeters(model, null)));
    MeterRegistry registry = new SimpleMeterRegistry();
    meters.bindTo(registry);
    model.close();
    meters.close();
    assertEquals(List.of(), registry.getMeters());
    assertThrows(IllegalStateException.class, () -> meters.bindTo(registry));
    assertEquals(List.of(), registry.getMeters());
  }

  private static String nullMessage(Executable call) {
    return assertThrows(NullPointerException.class, call).getMessage();
  }
}
