package dev.baichuan4j.spark;

import dev.baichuan4j.Baichuan;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * The models of this JVM, which tasks share. One stays loaded when the last of its tasks has ended,
 * for those of the next stage, until a task needs another model or {@link #unload} is called.
 */
final class ExecutorModels {
  private static final Map<String, Entry> ENTRIES = new HashMap<>();

  private ExecutorModels() {}

  /** A model and the tasks that use it. Its monitor is held while it loads. */
  private static final class Entry {
    private int uses; // guarded by ENTRIES
    private Baichuan model; // guarded by this entry

    synchronized Baichuan model(ModelSource source) {
      if (model == null) {
        model = source.load();
      }
      return model;
    }

    synchronized void close() {
      if (model != null) {
        model.close();
        model = null;
      }
    }
  }

  /** A task's part in a model. */
  static final class Use implements AutoCloseable {
    private final Entry entry;
    private final Baichuan model;
    private boolean closed; // guarded by ENTRIES

    private Use(Entry entry, Baichuan model) {
      this.entry = entry;
      this.model = model;
    }

    Baichuan model() {
      return model;
    }

    @Override
    public void close() {
      synchronized (ENTRIES) {
        if (!closed) {
          closed = true;
          entry.uses--;
        }
      }
    }
  }

  /**
   * Returns a model, and loads it first where it is not: other tasks wait for the same load. Models
   * that no task uses are closed before another is loaded.
   *
   * @throws dev.baichuan4j.BaichuanException as the loader
   */
  static Use use(ModelSource source) {
    Entry entry;
    synchronized (ENTRIES) {
      String key = source.key();
      if (!ENTRIES.containsKey(key)) {
        unload();
      }
      entry = ENTRIES.computeIfAbsent(key, absent -> new Entry());
      entry.uses++;
    }
    try {
      return new Use(entry, entry.model(source));
    } catch (RuntimeException | Error e) {
      synchronized (ENTRIES) {
        entry.uses--;
      }
      throw e;
    }
  }

  /** Returns how many models are loaded, or are about to be. */
  static int loaded() {
    synchronized (ENTRIES) {
      return ENTRIES.size();
    }
  }

  /** Closes the models that no task uses. */
  static void unload() {
    synchronized (ENTRIES) {
      for (Iterator<Entry> all = ENTRIES.values().iterator(); all.hasNext(); ) {
        Entry entry = all.next();
        if (entry.uses == 0) {
          entry.close();
          all.remove();
        }
      }
    }
  }
}
