package dev.baichuan4j;

/**
 * Is told of every request of a model that has ended, as an access log or a meter wants it. It is
 * called on the thread that computes, or on the one that cancels a request which waits, before the
 * request's caller has the result: it should return quickly. What it throws is logged and changes
 * nothing else.
 */
@FunctionalInterface
public interface RequestListener {
  /** Takes how a request went. */
  void ended(RequestMetrics request);
}
