package dev.baichuan4j.internal.engine;

import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.nn.KvCache;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * What the cache has of the beginning of a text, for a thread that copies it out or brings more of
 * it in. The pages are held until this is closed. The engine's thread copies them, a piece between
 * two steps, so that texts go on meanwhile. For one thread; each method is an {@link
 * OperationInterruptedException} when that is interrupted, and an {@link IllegalStateException}
 * when the engine is closed.
 */
public final class CachedPages implements AutoCloseable {
  /** Bytes that are copied between two steps, a few milliseconds' worth. */
  private static final int PIECE = 16 << 20;

  private final Engine engine;
  private final CachePool pool;
  private final int[] text;
  private final String operation;
  // The engine's thread changes these, so that an interrupted wait leaves no page without a holder.
  private final int[] pages;
  private int count;
  private int tokens;
  private ByteBuffer piece;

  CachedPages(Engine engine, CachePool pool, int[] text, String operation) {
    this.engine = engine;
    this.pool = pool;
    this.text = text;
    this.operation = operation;
    this.pages = new int[Layout.pagesFor(text.length)];
  }

  void hold() {
    run(
        () -> {
          PrefixIndex.Match match = pool.find(text);
          int[] found = match.hold();
          System.arraycopy(found, 0, pages, 0, found.length);
          count = found.length;
          tokens = match.tokens();
        });
  }

  private void run(Runnable task) {
    engine.runAndWait(operation, task);
  }

  /** Pages that are held. */
  public int count() {
    return count;
  }

  /** Tokens of the text that they hold; the last page may hold fewer than it has room for. */
  public int tokens() {
    return tokens;
  }

  /** Bytes of a page over all layers. */
  public long pageBytes() {
    return (long) pool.cache().layerBytes() * pool.cache().layers();
  }

  /**
   * Hands out the bytes of a page, in order: what lies behind the tokens of the text is zero.
   *
   * @param consumer gets a buffer that is filled anew when it returns
   */
  public void read(int index, Consumer<ByteBuffer> consumer) {
    KvCache cache = pool.cache();
    if (piece == null) {
      piece = ByteBuffer.allocateDirect(layersAtOnce(cache) * cache.layerBytes());
    }
    int positions = Math.min(Layout.PAGE, tokens - index * Layout.PAGE);
    for (int from = 0; from < cache.layers(); from += layersAtOnce(cache)) {
      int first = from;
      int end = Math.min(cache.layers(), from + layersAtOnce(cache));
      run(
          () -> {
            piece.clear().limit((end - first) * cache.layerBytes());
            cache.read(pages[index], first, end, positions, piece);
          });
      consumer.accept(piece.flip());
    }
  }

  private static int layersAtOnce(KvCache cache) {
    return Math.min(cache.layers(), Math.max(1, PIECE / cache.layerBytes()));
  }

  /**
   * Lets go of a last page that is not full: a page that is brought in takes its place.
   *
   * @return pages that are held, all of them full
   */
  public int keepWholePages() {
    run(
        () -> {
          if (tokens % Layout.PAGE != 0) {
            pool.release(pages[--count]);
            tokens = count * Layout.PAGE;
          }
        });
    return count;
  }

  /**
   * Brings in the next page.
   *
   * @param source its bytes, as {@link #read} gave them, in a direct buffer
   * @return false where texts use all pages of the cache
   */
  public boolean add(ByteBuffer source) {
    KvCache cache = pool.cache();
    int index = count;
    run(
        () -> {
          int page = pool.take();
          if (page != PagePool.NONE) {
            pages[count++] = page;
          }
        });
    if (count == index) {
      return false;
    }
    for (int from = 0; from < cache.layers(); from += layersAtOnce(cache)) {
      int first = from;
      int end = Math.min(cache.layers(), from + layersAtOnce(cache));
      run(() -> cache.write(pages[index], first, end, source));
    }
    tokens = Math.min(text.length, count * Layout.PAGE);
    return true;
  }

  /** Lets texts share what was brought in. */
  public void offer() {
    run(() -> pool.offer(text, tokens, pages));
  }

  /** Lets go of the pages. Those that were not offered hold nothing then. */
  @Override
  public void close() {
    try {
      engine.post(
          () -> {
            Arrays.stream(pages, 0, count).forEach(pool::release);
            count = 0;
          });
    } catch (IllegalStateException e) {
      // The engine is closed, and its cache with it.
    }
  }
}
