package dev.baichuan4j.server.command;

import dev.baichuan4j.server.Models;
import dev.baichuan4j.server.Routes;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.monitor.HttpMeters;
import dev.baichuan4j.server.monitor.ModelMeters;
import dev.baichuan4j.server.monitor.MonitorRoutes;
import dev.baichuan4j.server.registry.ModelRegistry;
import dev.baichuan4j.server.registry.ModelSource;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/** Models, and the HTTP server that gives them to clients, from the start to the end. */
final class Service implements AutoCloseable {
  /** For answers to end whose requests were cancelled by the end of a drain. */
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  private final ModelRegistry models;
  private final BaichuanServer server;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "unload-idle"));
  private volatile boolean ready;

  /**
   * Starts the server; no model is loaded yet.
   *
   * @param sources the models, the default first
   * @param endpoints makes the endpoints, beside those that say how the server is
   * @throws IOException when the address cannot be had, or the certificate not be read
   */
  Service(
      List<? extends ModelSource> sources,
      ModelRegistry.Policy policy,
      HttpSettings settings,
      Function<Models, List<Routes>> endpoints)
      throws IOException {
    ModelMeters modelMeters = new ModelMeters(sources.stream().map(ModelSource::name).toList());
    HttpMeters httpMeters = new HttpMeters();
    models = new ModelRegistry(sources, policy, modelMeters, System::nanoTime);
    List<Routes> routes = new ArrayList<>(endpoints.apply(models));
    routes.add(new MonitorRoutes(this::state, List.of(modelMeters, httpMeters)));
    server =
        BaichuanServer.start(settings.withListeners(settings.log(), List.of(httpMeters)), routes);
    if (!policy.idleUnload().isZero()) {
      timer.scheduleWithFixedDelay(models::unloadIdle, 1, 1, TimeUnit.SECONDS);
    }
  }

  /**
   * Loads models on a thread of its own. When all are there, the server is ready.
   *
   * @param names the models
   * @param failed is told why one could not be loaded; the others are not tried then
   */
  void load(List<String> names, Consumer<RuntimeException> failed) {
    Runnable loads =
        () -> {
          try {
            names.forEach(name -> models.use(name).close());
            ready = true;
          } catch (RuntimeException e) {
            failed.accept(e);
          }
        };
    daemon(loads, "load").start();
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  private MonitorRoutes.State state() {
    if (server.isDraining()) {
      return MonitorRoutes.State.DRAINING;
    }
    return ready ? MonitorRoutes.State.READY : MonitorRoutes.State.LOADING;
  }

  URI address() {
    return server.address();
  }

  /**
   * Takes no more requests and waits for those that run.
   *
   * @param time after which they are cancelled
   * @return whether all answers have come to an end, those that were cancelled included
   * @throws InterruptedException when this thread is interrupted
   */
  boolean drain(Duration time) throws InterruptedException {
    return server.drain(time, FAREWELL);
  }

  /** Ends all that still runs. */
  @Override
  public void close() {
    timer.shutdownNow();
    server.close();
    models.close();
  }
}
