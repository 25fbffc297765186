package dev.baichuan4j.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Models;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Models that come when they are asked for, and go when nobody uses them. Time is the test's. */
class ModelRegistryTest {
  private final FakeSource a = new FakeSource("a", 100);
  private final FakeSource b = new FakeSource("b", 100);
  private final FakeSource c = new FakeSource("c", 100);
  private final AtomicLong now = new AtomicLong();
  private final List<String> told = new ArrayList<>();

  private final ModelEvents events =
      new ModelEvents() {
        @Override
        public void loaded(String name, Baichuan model) {
          told.add("+" + name);
        }

        @Override
        public void unloading(String name, Baichuan model) {
          told.add("-" + name);
        }
      };

  private ModelRegistry registry(ModelRegistry.Policy policy, FakeSource... sources) {
    return new ModelRegistry(Arrays.asList(sources), policy, events, now::get);
  }

  private static ModelRegistry.Policy keep() {
    return new ModelRegistry.Policy(false, 0, Duration.ZERO);
  }

  private void wait(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Test
  void aModelIsLoadedOnceWhenItIsFirstAskedFor() {
    try (ModelRegistry registry = registry(keep(), a, b)) {
      try (Models.Use first = registry.use("a");
          Models.Use second = registry.use(null);
          Models.Use third = registry.use("")) {
        assertSame(first.model(), second.model());
        assertSame(first.model(), third.model());
        assertEquals("a", second.name());
      }
      registry.use("b").close();
      assertEquals(1, a.loads.get());
      assertEquals(1, b.loads.get());
      assertEquals(
          List.of(
              new Models.Card("a", 1_700_000_000, 128), new Models.Card("b", 1_700_000_000, 128)),
          registry.cards());
    }
    assertEquals(0, a.open.get() + b.open.get());
    assertEquals(List.of("+a", "+b", "-a", "-b"), told);
  }

  @Test
  void aNameThatIsNotThereIsToldWhichAre() {
    try (ModelRegistry registry = registry(keep(), a, b)) {
      ApiException refusal = assertThrows(ApiException.class, () -> registry.use("gpt-4"));
      assertEquals(404, refusal.status());
      assertEquals("model_not_found", refusal.code());
      assertEquals(Optional.of("model"), refusal.param());
      assertTrue(refusal.getMessage().contains("a, b"), refusal.getMessage());
    }
  }

  @Test
  void everyNameMeansTheDefaultWhereThatIsWanted() {
    ModelRegistry.Policy any = new ModelRegistry.Policy(true, 0, Duration.ZERO);
    try (ModelRegistry registry = registry(any, a, b);
        Models.Use unknown = registry.use("baichun_7b");
        Models.Use known = registry.use("b")) {
      assertEquals("a", unknown.name());
      assertEquals("b", known.name());
    }
  }

  @Test
  void twoRequestsWaitForOneLoad() throws Exception {
    a.goOn = new CountDownLatch(1);
    try (ModelRegistry registry = registry(keep(), a)) {
      CompletableFuture<Models.Use> first = CompletableFuture.supplyAsync(() -> registry.use("a"));
      assertTrue(a.loading.await(1, TimeUnit.MINUTES));
      CompletableFuture<Models.Use> second = CompletableFuture.supplyAsync(() -> registry.use("a"));
      a.goOn.countDown();
      assertSame(first.get(1, TimeUnit.MINUTES).model(), second.get(1, TimeUnit.MINUTES).model());
      assertEquals(1, a.loads.get());
    }
  }

  @Test
  void aLoadThatFailsIsTriedAgainLaterAndNamesNoFile() {
    a.failures.set(1);
    try (ModelRegistry registry = registry(keep(), a)) {
      for (int i = 0; i < 3; i++) {
        ApiException failure = assertThrows(ApiException.class, () -> registry.use("a"));
        assertEquals(503, failure.status());
        assertEquals("model_not_loaded", failure.code());
        assertTrue(failure.retryAfter().isPresent());
        assertFalse(failure.getMessage().contains("secret"), failure.getMessage());
      }
      assertEquals(1, a.loads.get());
      wait(Duration.ofSeconds(5));
      registry.use("a").close();
      assertEquals(2, a.loads.get());
    }
  }

  @Test
  void whoWaitsForALoadThatFailsHasTheSameFailure() throws Exception {
    a.failures.set(1);
    a.goOn = new CountDownLatch(1);
    try (ModelRegistry registry = registry(keep(), a)) {
      CompletableFuture<Models.Use> first = CompletableFuture.supplyAsync(() -> registry.use("a"));
      assertTrue(a.loading.await(1, TimeUnit.MINUTES));
      CompletableFuture<Models.Use> second = CompletableFuture.supplyAsync(() -> registry.use("a"));
      a.goOn.countDown();
      for (CompletableFuture<Models.Use> each : List.of(first, second)) {
        ExecutionException failure =
            assertThrows(ExecutionException.class, () -> each.get(1, TimeUnit.MINUTES));
        assertEquals(503, ((ApiException) failure.getCause()).status());
      }
      assertEquals(1, a.loads.get());
    }
  }

  @Test
  void theLeastRecentlyUsedMakesRoom() {
    ModelRegistry.Policy two = new ModelRegistry.Policy(false, 250, Duration.ZERO);
    try (ModelRegistry registry = registry(two, a, b, c)) {
      registry.use("a").close();
      wait(Duration.ofSeconds(1));
      registry.use("b").close();
      wait(Duration.ofSeconds(1));
      registry.use("a").close();
      registry.use("c").close();
      assertEquals(List.of("+a", "+b", "-b", "+c"), told);
      assertEquals(1, a.open.get());
      assertEquals(0, b.open.get());
    }
  }

  @Test
  void whatIsUsedIsNeverUnloaded() {
    ModelRegistry.Policy one = new ModelRegistry.Policy(false, 150, Duration.ofSeconds(10));
    try (ModelRegistry registry = registry(one, a, b)) {
      try (Models.Use used = registry.use("a")) {
        wait(Duration.ofHours(1));
        registry.unloadIdle();
        ApiException refusal = assertThrows(ApiException.class, () -> registry.use("b"));
        assertEquals(503, refusal.status());
        assertEquals(1, a.open.get());
        assertEquals("fake a", used.model().toString());
      }
      registry.use("b").close();
      assertEquals(List.of("+a", "-a", "+b"), told);
    }
  }

  @Test
  void aUseCountsOnceHoweverOftenItIsClosed() {
    ModelRegistry.Policy brief = new ModelRegistry.Policy(false, 0, Duration.ofSeconds(10));
    try (ModelRegistry registry = registry(brief, a)) {
      Models.Use first = registry.use("a");
      Models.Use second = registry.use("a");
      first.close();
      first.close();
      wait(Duration.ofSeconds(11));
      registry.unloadIdle();
      assertEquals(1, a.open.get());
      second.close();
      registry.unloadIdle();
      assertEquals(1, a.open.get(), "it was used just now");
      wait(Duration.ofSeconds(11));
      registry.unloadIdle();
      assertEquals(0, a.open.get());
      registry.use("a").close();
      assertEquals(2, a.loads.get());
    }
  }

  @Test
  void nothingIsLoadedAfterTheEnd() {
    ModelRegistry registry = registry(keep(), a);
    registry.close();
    ApiException refusal = assertThrows(ApiException.class, () -> registry.use("a"));
    assertEquals(503, refusal.status());
    assertEquals(0, a.loads.get());
  }

  @Test
  void aModelThatIsLoadedAtTheEndIsClosed() throws Exception {
    a.goOn = new CountDownLatch(1);
    ModelRegistry registry = registry(keep(), a);
    CompletableFuture<Models.Use> first = CompletableFuture.supplyAsync(() -> registry.use("a"));
    assertTrue(a.loading.await(1, TimeUnit.MINUTES));
    registry.close();
    a.goOn.countDown();
    assertThrows(ExecutionException.class, () -> first.get(1, TimeUnit.MINUTES));
    assertEquals(0, a.open.get());
  }

  @Test
  void namesAreDifferent() {
    assertThrows(IllegalArgumentException.class, () -> registry(keep(), a, new FakeSource("a", 1)));
  }
}
