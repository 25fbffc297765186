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
  public static final int PIECE = 16 << 20;

  private final Engine engine;
  private final CachePool pool;
  private final int[] text;
  private final String operation;
  // The engine's thread changes these, so that an interrupted wait leaves no page without a holder.
  private final int[] pages;
  private int count;
  private int tokens;

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
   * Hands out the bytes of all pages, in order: of each the layers one after the other, and zeros
   * behind the tokens of the text.
   *
   * @param consumer gets a direct buffer that is filled anew when it returns
   */
  public void read(Consumer<ByteBuffer> consumer) {
    if (count == 0) {
      return;
    }
    KvCache cache = pool.cache();
    int layers = count * cache.layers(); // of all pages
    int atOnce = Math.min(layers, layersAtOnce());
    ByteBuffer piece = ByteBuffer.allocateDirect(atOnce * cache.layerBytes());
    for (int from = 0; from < layers; from += atOnce) {
      int first = from;
      int end = Math.min(layers, from + atOnce);
      run(
          () -> {
            piece.clear();
            for (int i = first; i < end; i++) {
              int index = i / cache.layers();
              int positions = Math.min(Layout.PAGE, tokens - index * Layout.PAGE);
              cache.read(pages[index], i % cache.layers(), positions, piece);
            }
            piece.flip();
          });
      consumer.accept(piece);
    }
  }

  private int layersAtOnce() {
    return Math.max(1, PIECE / pool.cache().layerBytes());
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
   * Brings in the next pages.
   *
   * @param source their bytes, as {@link #read} gave them, in a direct buffer
   * @return pages for which there was room; texts use all others of the cache
   */
  public int add(ByteBuffer source) {
    KvCache cache = pool.cache();
    int before = count;
    int layers = (int) (source.remaining() / pageBytes()) * cache.layers();
    for (int from = 0; from < layers; from += layersAtOnce()) {
      int first = from;
      int end = Math.min(layers, from + layersAtOnce());
      run(() -> add(source, first, end));
      if (count < before + (end + cache.layers() - 1) / cache.layers()) {
        break;
      }
    }
    return count - before;
  }

  private void add(ByteBuffer source, int from, int end) {
    KvCache cache = pool.cache();
    for (int i = from; i < end; i++) {
      if (i % cache.layers() == 0) {
        int page = pool.take();
        if (page == PagePool.NONE) {
          return;
        }
        pages[count++] = page;
        tokens = Math.min(text.length, count * Layout.PAGE);
      }
      cache.write(pages[count - 1], i % cache.layers(), source);
    }
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
