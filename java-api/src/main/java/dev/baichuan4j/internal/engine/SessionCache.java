package dev.baichuan4j.internal.engine;

/**
 * What a conversation leaves in the key-value cache between its turns. The scheduler may drop it
 * for want of pages: the next turn then computes everything anew, with the same result.
 */
public final class SessionCache {
  Sequence sequence;
  boolean busy;
  boolean closed; // to be dropped as soon as it is not busy
  long lastUse;
}
