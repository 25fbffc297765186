package dev.baichuan4j.internal.engine;

import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.nn.KvCache;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;

/**
 * Keeps account of the holders of pages of the key-value cache: the texts that run, and
 * conversations between their turns, which give way when room is needed. For the engine's thread.
 */
final class CachePool implements AutoCloseable {
  private final KvCache cache;
  private final long pageBytes;
  private final PagePool pages;
  private final Set<SessionCache> sessions = new HashSet<>(); // those that hold pages

  /**
   * Takes over the cache: closing the pool closes it.
   *
   * @param pageBytes bytes of a page over all layers
   */
  CachePool(KvCache cache, long pageBytes) {
    this.cache = cache;
    this.pageBytes = pageBytes;
    this.pages = new PagePool(cache.pages());
  }

  /** A text that holds nothing yet. */
  Sequence sequence(int[] prompt) {
    return new Sequence(pages, prompt);
  }

  /** The text of a conversation, with what is computed of it. */
  Sequence sequence(SessionCache session, int[] prompt) {
    if (session.sequence == null) {
      return sequence(prompt);
    }
    session.sequence.restart(prompt);
    return session.sequence;
  }

  /**
   * Reserves pages, dropping conversations that do not run, the longest unused first, where needed.
   *
   * @return whether there was room
   */
  boolean reserve(Sequence sequence, int positions) {
    while (!sequence.reserve(positions)) {
      SessionCache oldest =
          sessions.stream()
              .filter(s -> !s.busy && s.sequence != sequence)
              .min(Comparator.comparingLong(s -> s.lastUse))
              .orElse(null);
      if (oldest == null) {
        return false;
      }
      drop(oldest);
    }
    return true;
  }

  OutOfDeviceMemoryException exhausted(int positions) {
    return new OutOfDeviceMemoryException(
        pageBytes * Layout.pagesFor(positions), pageBytes * pages.free());
  }

  /** A conversation's turn begins. */
  void use(SessionCache session, Sequence sequence) {
    session.busy = true;
    session.sequence = sequence;
    sessions.add(session);
  }

  /** Its turn ends: it keeps what is computed, unless it was released meanwhile. */
  void end(SessionCache session) {
    session.sequence.trim();
    session.busy = false;
    session.lastUse = System.nanoTime();
    if (session.closed) {
      drop(session);
    }
  }

  /** Forgets a conversation, after its turn if one runs. */
  void release(SessionCache session) {
    session.closed = true;
    if (!session.busy) {
      drop(session);
    }
  }

  private void drop(SessionCache session) {
    if (session.sequence != null) {
      session.sequence.release();
      session.sequence = null;
    }
    sessions.remove(session);
  }

  @Override
  public void close() {
    cache.close();
  }
}
