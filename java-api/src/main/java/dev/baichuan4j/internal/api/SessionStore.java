package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.SessionFormatException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.engine.CachedPages;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.session.SavedSession;
import dev.baichuan4j.internal.session.SessionFile;
import dev.baichuan4j.internal.session.SessionWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Saves and restores conversations of a model, with what its cache has of them. */
final class SessionStore {
  private static final Logger log = LoggerFactory.getLogger(Baichuan.class);

  private final Engine engine;
  private final SavedSession.Origin origin;
  private final ModelInfo info;

  SessionStore(Engine engine, SavedSession.Origin origin, ModelInfo info) {
    this.engine = engine;
    this.origin = origin;
    this.info = info;
  }

  /**
   * @param ids that the next turn begins with
   */
  void save(List<ChatMessage> messages, int[] ids, Path file) {
    try (CachedPages pages = engine.cachedPages(ids, "saving " + file)) {
      int[] cached = Arrays.copyOf(ids, pages.tokens());
      SessionWriter.write(
          file,
          new SavedSession(origin, messages, cached, pages.count(), pages.pageBytes()),
          pages::read);
    }
  }

  /** Returns the conversation of a file, whose pages are in the cache then. */
  List<ChatMessage> restore(Path file) {
    try (SessionFile saved = SessionFile.open(file)) {
      SavedSession session = saved.session();
      if (!session.origin().model().equals(origin.model())) {
        throw wrong(file, "model", session.origin().model(), origin.model());
      }
      requireTokens(file, session);
      if (session.origin().computation().equals(origin.computation())) {
        restorePages(file, saved);
      } else {
        log.warn(
            "{}: its {} pages are left out, and the conversation will be read again: they are of"
                + " {}, and this is {}",
            file,
            session.pages(),
            session.origin().computation(),
            origin.computation());
        checkPages(saved, 0, session.pages());
      }
      return session.messages();
    }
  }

  private void requireTokens(Path file, SavedSession session) {
    int[] tokens = session.tokens();
    if (session.pages() != Layout.pagesFor(tokens.length)) {
      throw wrong(
          file,
          "table of contents",
          session.pages() + " pages for " + tokens.length + " tokens",
          Layout.pagesFor(tokens.length) + " pages");
    }
    int vocabulary = info.shape().vocabularySize();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw wrong(file, "tokens", "id " + token, "0 to " + (vocabulary - 1));
      }
    }
  }

  private void restorePages(Path file, SessionFile saved) {
    SavedSession session = saved.session();
    int used = Math.min(session.tokens().length, info.contextLength());
    int[] text = Arrays.copyOf(session.tokens(), used);
    int done;
    try (CachedPages pages = engine.cachedPages(text, "restoring " + file)) {
      if (session.pages() > 0 && session.pageBytes() != pages.pageBytes()) {
        throw wrong(
            file,
            "table of contents",
            "pages of " + session.pageBytes() + " bytes",
            pages.pageBytes() + " bytes");
      }
      done = pages.tokens() == used ? session.pages() : pages.keepWholePages();
      checkPages(saved, 0, done); // they are there already, but the file may be damaged
      int end = Layout.pagesFor(used);
      int atOnce = pagesAtOnce(session);
      while (done < end) {
        int count = Math.min(atOnce, end - done);
        int added = pages.add(saved.pages(done, count));
        done += added;
        if (added < count) {
          break;
        }
      }
      checkPages(saved, done, session.pages());
      pages.offer();
    }
    if (done < Layout.pagesFor(used)) {
      log.warn(
          "{}: {} of its {} pages have room in the cache, and the rest will be read again; load"
              + " with more cacheBytes",
          file,
          done,
          session.pages());
    }
  }

  private static void checkPages(SessionFile saved, int from, int end) {
    for (int page = from; page < end; page++) {
      saved.pages(page, 1);
    }
  }

  private static int pagesAtOnce(SavedSession session) {
    return (int) Math.max(1, CachedPages.PIECE / session.pageBytes());
  }

  private static SessionFormatException wrong(
      Path file, String subject, String found, String expected) {
    return new SessionFormatException(file, subject, expected, found, null);
  }
}
