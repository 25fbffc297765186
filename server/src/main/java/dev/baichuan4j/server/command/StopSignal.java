package dev.baichuan4j.server.command;

import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TERM and INT (Ctrl-C) as a wish to end: the first one is told to who waits, the second one ends
 * the process at once, with the exit code of a process that was killed by it.
 */
final class StopSignal {
  private static final Logger LOG = LoggerFactory.getLogger(StopSignal.class);

  /** Added to the number of a signal: the exit code of what it ended, as shells have it. */
  private static final int KILLED = 128;

  private final CountDownLatch stop = new CountDownLatch(1);

  private StopSignal() {}

  /** Takes the signals over from the JVM, which would end the process. */
  static StopSignal install() {
    StopSignal signal = new StopSignal();
    signal.handle("TERM", 15);
    signal.handle("INT", 2);
    return signal;
  }

  /**
   * Java has no public interface to signals. This one is in the module jdk.unsupported, without an
   * alternative so far; by reflection, so that the compiler does not warn of it.
   */
  private void handle(String name, int number) {
    try {
      Class<?> type = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Object handler =
          Proxy.newProxyInstance(
              handlerType.getClassLoader(),
              new Class<?>[] {handlerType},
              (proxy, method, arguments) ->
                  switch (method.getName()) {
                    case "handle" -> {
                      received(number);
                      yield null;
                    }
                    case "hashCode" -> System.identityHashCode(proxy);
                    case "equals" -> proxy == arguments[0];
                    default -> "handler of " + name;
                  });
      type.getMethod("handle", type, handlerType)
          .invoke(null, type.getConstructor(String.class).newInstance(name), handler);
    } catch (ReflectiveOperationException e) {
      LOG.warn("{} ends the server without a drain: it cannot be handled here: {}", name, e);
    }
  }

  private void received(int number) {
    if (stop.getCount() == 0) {
      Runtime.getRuntime().halt(KILLED + number);
    }
    stop.countDown();
  }

  /** Ends the wait as a signal does. */
  void stop() {
    stop.countDown();
  }

  /** Waits for the first signal. */
  void await() throws InterruptedException {
    stop.await();
  }
}
