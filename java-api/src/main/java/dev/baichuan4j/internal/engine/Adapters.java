package dev.baichuan4j.internal.engine;

import dev.baichuan4j.AdapterInfo;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.lora.LoraAdapter;
import dev.baichuan4j.internal.lora.LoraPair;
import dev.baichuan4j.internal.nn.Adapter;
import dev.baichuan4j.internal.nn.AdapterPool;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The adapters of an engine by name, and who uses them. One that is dropped has no name any more,
 * so that no request can choose it; those that have go on, and its memory comes free when the last
 * of them has ended. Methods may be called from any thread.
 */
final class Adapters {
  /** Runs something on the engine's thread and waits for it. */
  interface EngineThread {
    void run(String operation, Runnable work);
  }

  private static final int LONGEST_NAME = 256;
  private static final String OPERATION = "loading an adapter";

  private final AdapterPool pool;
  private final Architecture model;
  private final EngineThread thread;
  private final Consumer<Runnable> later; // runs something on the engine's thread, while it is open

  // Guarded by this.
  private final Map<String, LoadedAdapter> byName = new TreeMap<>();
  private final Map<LoadedAdapter, Integer> users = new HashMap<>(); // of those in use
  private long generations;

  Adapters(AdapterPool pool, Architecture model, EngineThread thread, Consumer<Runnable> later) {
    this.pool = pool;
    this.model = model;
    this.thread = thread;
    this.later = later;
  }

  /** See {@link Engine#loadAdapter}. */
  AdapterInfo load(String name, Path folder) {
    checkName(name);
    LoraAdapter read = LoraAdapter.open(folder, model);
    pool.check(read);
    Adapter[] taken = new Adapter[1];
    boolean loaded = false;
    try {
      thread.run(OPERATION, () -> taken[0] = pool.take(read));
      write(taken[0], read);
      int rank = read.pairs().stream().mapToInt(LoraPair::rank).max().orElseThrow();
      AdapterInfo info = new AdapterInfo(name, folder, rank, AdapterPool.bytes(read));
      thread.run(OPERATION, () -> publish(info, taken[0]));
      loaded = true;
      return info;
    } finally {
      if (!loaded) {
        postFree(() -> giveUp(taken[0]));
      }
    }
  }

  private void write(Adapter adapter, LoraAdapter read) {
    List<LoraPair> pairs = read.pairs();
    for (int i = 0; i < pairs.size(); i++) {
      int index = i;
      LoraPair pair = pairs.get(i);
      ByteBuffer a = pair.readA();
      ByteBuffer b = pair.readB();
      thread.run(OPERATION, () -> pool.write(adapter, pair, index, a, b));
    }
  }

  private static void checkName(String name) {
    boolean printable = name.chars().noneMatch(c -> Character.isISOControl(c));
    if (name.isBlank() || name.length() > LONGEST_NAME || !printable) {
      throw new InvalidRequestException(
          "adapter",
          "the name \"" + name + "\"",
          "1 to " + LONGEST_NAME + " characters without control characters");
    }
  }

  private synchronized void publish(AdapterInfo info, Adapter adapter) {
    if (byName.containsKey(info.name())) {
      throw new InvalidRequestException(
          "adapter",
          "the name \"" + info.name() + "\", which is in use",
          "another name; drop the one that has it first");
    }
    pool.publish();
    byName.put(info.name(), new LoadedAdapter(info, adapter, ++generations));
  }

  /**
   * Frees what was taken for an adapter whose load has failed. An interrupt may come when it has
   * its name already: the name is taken away then, and requests that have found it go on.
   */
  private synchronized void giveUp(Adapter adapter) {
    if (adapter == null) {
      return;
    }
    LoadedAdapter published =
        byName.values().stream()
            .filter(loaded -> loaded.adapter().equals(adapter))
            .findFirst()
            .orElse(null);
    if (published != null) {
      byName.remove(published.info().name());
    }
    if (published == null || !users.containsKey(published)) {
      pool.free(adapter);
    }
  }

  private void postFree(Runnable work) {
    try {
      later.accept(work);
    } catch (IllegalStateException e) {
      // The engine is closed, and the memory with it.
    }
  }

  /** See {@link Engine#dropAdapter}. */
  void drop(String name) {
    LoadedAdapter dropped;
    boolean unused;
    synchronized (this) {
      dropped = find(name);
      byName.remove(name);
      unused = !users.containsKey(dropped);
    }
    if (unused) {
      postFree(() -> pool.free(dropped.adapter()));
    }
  }

  private LoadedAdapter find(String name) {
    LoadedAdapter found = byName.get(name);
    if (found == null) {
      throw new InvalidRequestException(
          "adapter",
          "\"" + name + "\", which is not loaded",
          byName.isEmpty() ? "none: no adapter is loaded" : "one of " + byName.keySet());
    }
    return found;
  }

  synchronized List<AdapterInfo> list() {
    return byName.values().stream().map(LoadedAdapter::info).toList();
  }

  /**
   * Returns the adapter of a name, which stays until it is released as often as it was held.
   *
   * @throws InvalidRequestException when there is none
   */
  synchronized LoadedAdapter hold(String name) {
    LoadedAdapter found = find(name);
    hold(found);
    return found;
  }

  /** Holds an adapter once more, which somebody holds already, whether it was dropped or not. */
  synchronized void hold(LoadedAdapter adapter) {
    users.merge(adapter, 1, Integer::sum);
  }

  void release(LoadedAdapter adapter) {
    boolean last;
    synchronized (this) {
      last = users.merge(adapter, -1, Integer::sum) == 0;
      if (last) {
        users.remove(adapter);
        last = byName.get(adapter.info().name()) != adapter;
      }
    }
    if (last) {
      postFree(() -> pool.free(adapter.adapter()));
    }
  }
}
