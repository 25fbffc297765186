package dev.baichuan4j.server.registry;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.server.Adapters;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Models;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models that are loaded when they are first asked for. One that nobody uses is unloaded after a
 * time, or when another needs its memory, the least recently used first. Thread-safe.
 */
public final class ModelRegistry implements Models, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelRegistry.class);

  /** After a load has failed, for how long it is not tried again. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  /**
   * How models are kept.
   *
   * @param anyModel whether every name means the default model
   * @param memoryBudget most bytes that loaded models may take together; 0 for no bound
   * @param idleUnload after which a model that nobody uses is unloaded; zero for never
   * @param adapterFolder the real path of the folder from which clients may load adapters; empty
   *     where they may not
   */
  public record Policy(
      boolean anyModel, long memoryBudget, Duration idleUnload, Optional<Path> adapterFolder) {
    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Policy {
      Objects.requireNonNull(idleUnload, "idleUnload");
      Objects.requireNonNull(adapterFolder, "adapterFolder");
    }

    /** Clients may not load adapters. */
    public Policy(boolean anyModel, long memoryBudget, Duration idleUnload) {
      this(anyModel, memoryBudget, idleUnload, Optional.empty());
    }
  }

  private final Policy policy;
  private final ModelEvents events;
  private final LongSupplier clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private boolean closed;

  /** A model; the lock of the registry guards it. */
  private static final class Entry {
    private final ModelSource source;
    private Baichuan model; // null while it is not loaded
    private boolean loading;
    private int loads; // loads that have ended, well or not
    private ApiException failure; // of the last load
    private long retryAt; // with a failure: when it is loaded again
    private int uses;
    private long lastUsed;
    private long bytes;
    private int contextLength;

    Entry(ModelSource source) {
      this.source = source;
    }

    boolean takesMemory() {
      return model != null || loading;
    }
  }

  /**
   * Loads nothing yet.
   *
   * @param sources the models, the default first
   * @param clock tells the time in nanoseconds
   * @throws IllegalArgumentException when there is none, or two have one name
   */
  public ModelRegistry(
      List<? extends ModelSource> sources, Policy policy, ModelEvents events, LongSupplier clock) {
    this.policy = Objects.requireNonNull(policy, "policy");
    this.events = Objects.requireNonNull(events, "events");
    this.clock = Objects.requireNonNull(clock, "clock");
    for (ModelSource source : sources) {
      if (entries.put(source.name(), new Entry(source)) != null) {
        throw new IllegalArgumentException("two models have the name " + source.name());
      }
    }
    if (entries.isEmpty()) {
      throw new IllegalArgumentException("there is no model");
    }
  }

  @Override
  public Use use(String name) {
    Optional<String> adapter = adapterOf(name);
    Entry entry = adapter.isPresent() ? withAdapter(adapter.get()) : find(name);
    lock.lock();
    try {
      while (entry.model == null) {
        requireOpen();
        if (!entry.loading) {
          refuseSoonAfterFailure(entry);
          load(entry);
        } else {
          awaitLoad(entry);
        }
      }
      requireOpen();
      entry.uses++;
      return new Held(entry, entry.model, adapter);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<Card> cards() {
    lock.lock();
    try {
      List<Card> cards = new ArrayList<>();
      for (Entry entry : entries.values()) {
        String name = entry.source.name();
        long created = entry.source.created();
        cards.add(new Card(name, created, entry.contextLength));
        for (String adapter : entry.source.adapters().all().keySet()) {
          cards.add(
              new Card(Adapters.PREFIX + adapter, created, entry.contextLength, Optional.of(name)));
        }
      }
      return cards;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<Adapters> adapters() {
    AdapterFolders ofDefault = entries.values().iterator().next().source.adapters();
    return policy.adapterFolder().map(root -> new SharedAdapters(this, ofDefault, root));
  }

  /** The adapter that a name means; a model of that very name goes before. */
  private Optional<String> adapterOf(String name) {
    boolean named = name != null && name.startsWith(Adapters.PREFIX) && !entries.containsKey(name);
    return named ? Optional.of(name.substring(Adapters.PREFIX.length())) : Optional.empty();
  }

  private Entry withAdapter(String adapter) {
    return entries.values().stream()
        .filter(entry -> entry.source.adapters().all().containsKey(adapter))
        .findFirst()
        .orElseThrow(() -> unknown(Adapters.PREFIX + adapter));
  }

  private Entry find(String name) {
    boolean isDefault = name == null || name.isEmpty();
    Entry known = isDefault ? null : entries.get(name);
    if (known != null) {
      return known;
    }
    if (isDefault || policy.anyModel()) {
      return entries.values().iterator().next();
    }
    throw unknown(name);
  }

  private ApiException unknown(String name) {
    return ApiException.of(
            404,
            ApiErrors.INVALID_REQUEST,
            "model_not_found",
            "The model '"
                + name
                + "' does not exist here, expected one of "
                + String.join(", ", cards().stream().map(Card::name).toList())
                + ".")
        .at("model");
  }

  private void requireOpen() {
    if (closed) {
      throw ApiException.of(503, ApiErrors.SERVER_ERROR, "shutting_down", "The server ends.");
    }
  }

  private void refuseSoonAfterFailure(Entry entry) {
    if (entry.failure != null && clock.getAsLong() - entry.retryAt < 0) {
      throw entry.failure;
    }
  }

  /** Waits for a load by another thread; throws what that has. */
  private void awaitLoad(Entry entry) {
    int before = entry.loads;
    while (entry.loads == before && !closed) {
      try {
        changed.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw ApiException.of(503, ApiErrors.SERVER_ERROR, "interrupted", "The server ends.");
      }
    }
    if (entry.model == null && entry.failure != null) {
      throw entry.failure;
    }
  }

  /** Loads a model; the lock is held at the beginning and at the end, and not meanwhile. */
  private void load(Entry entry) {
    entry.loading = true;
    entry.failure = null;
    Baichuan model = null;
    ApiException failure = null;
    long retryAt = clock.getAsLong();
    lock.unlock();
    try {
      model = loadWithRoom(entry);
      events.loaded(entry.source.name(), model);
    } catch (ApiException e) {
      failure = e;
    } catch (BaichuanException | IllegalStateException e) {
      LOG.error("The model {} cannot be loaded: {}", entry.source.name(), e.toString());
      failure = notLoaded(entry.source.name());
      failure.initCause(e);
      retryAt = clock.getAsLong() + PAUSE.toNanos();
    } finally {
      lock.lock();
      entry.loading = false;
      entry.loads++;
      entry.lastUsed = clock.getAsLong();
      changed.signalAll();
    }
    if (failure != null) {
      entry.failure = failure;
      entry.retryAt = retryAt;
      throw failure;
    }
    if (closed) {
      unload(entry.source.name(), model);
      requireOpen();
    }
    entry.model = model;
    entry.contextLength = model.info().contextLength();
  }

  /** Unloads others as long as there is no room. */
  private Baichuan loadWithRoom(Entry entry) {
    long bytes = policy.memoryBudget() > 0 ? entry.source.bytes() : 0;
    lock.lock();
    try {
      entry.bytes = bytes;
    } finally {
      lock.unlock();
    }
    while (isOverBudget()) {
      if (!unloadOne()) {
        throw noRoom(entry.source.name());
      }
    }
    while (true) {
      try {
        return entry.source.load();
      } catch (OutOfDeviceMemoryException e) {
        if (!unloadOne()) {
          throw e;
        }
      }
    }
  }

  private boolean isOverBudget() {
    lock.lock();
    try {
      long taken =
          entries.values().stream().filter(Entry::takesMemory).mapToLong(e -> e.bytes).sum();
      return policy.memoryBudget() > 0 && taken > policy.memoryBudget();
    } finally {
      lock.unlock();
    }
  }

  /** Unloads the model that was used least recently of those that nobody uses. */
  private boolean unloadOne() {
    return unloadFirst(Long.MAX_VALUE);
  }

  /** Unloads models that nobody has used for the time that the policy says. */
  public void unloadIdle() {
    if (!policy.idleUnload().isZero()) {
      long since = clock.getAsLong() - policy.idleUnload().toNanos();
      while (unloadFirst(since)) {
        // and the next one
      }
    }
  }

  private boolean unloadFirst(long notUsedSince) {
    Optional<Entry> oldest;
    Baichuan model;
    lock.lock();
    try {
      oldest =
          entries.values().stream()
              .filter(e -> e.model != null && e.uses == 0 && e.lastUsed <= notUsedSince)
              .min(Comparator.comparingLong(e -> e.lastUsed));
      if (oldest.isEmpty()) {
        return false;
      }
      model = oldest.get().model;
      oldest.get().model = null;
    } finally {
      lock.unlock();
    }
    unload(oldest.get().source.name(), model);
    return true;
  }

  private void unload(String name, Baichuan model) {
    events.unloading(name, model);
    model.close();
    LOG.info("The model {} is unloaded", name);
  }

  /** Closes all models; what they still write ends with an {@link IllegalStateException}. */
  @Override
  public void close() {
    Map<String, Baichuan> loaded = new LinkedHashMap<>();
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
      for (Entry entry : entries.values()) {
        if (entry.model != null) {
          loaded.put(entry.source.name(), entry.model);
          entry.model = null;
        }
      }
    } finally {
      lock.unlock();
    }
    loaded.forEach(this::unload);
  }

  private static ApiException notLoaded(String name) {
    return ApiException.busy(
        503,
        ApiErrors.SERVER_ERROR,
        "model_not_loaded",
        PAUSE,
        "The model '" + name + "' cannot be loaded at the moment; the server's log says why.");
  }

  private static ApiException noRoom(String name) {
    return ApiException.busy(
        503,
        ApiErrors.SERVER_ERROR,
        "model_not_loaded",
        PAUSE,
        "The model '" + name + "' has no room beside those that are in use at the moment.");
  }

  /** One use of a model. */
  private final class Held implements Use {
    private final Entry entry;
    private final Baichuan model;
    private final Optional<String> adapter;
    private final AtomicBoolean closed = new AtomicBoolean();

    Held(Entry entry, Baichuan model, Optional<String> adapter) {
      this.entry = entry;
      this.model = model;
      this.adapter = adapter;
    }

    @Override
    public String name() {
      return adapter.map(name -> Adapters.PREFIX + name).orElse(entry.source.name());
    }

    @Override
    public Optional<String> adapter() {
      return adapter;
    }

    @Override
    public Baichuan model() {
      return model;
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        lock.lock();
        try {
          entry.uses--;
          entry.lastUsed = clock.getAsLong();
        } finally {
          lock.unlock();
        }
      }
    }
  }
}
