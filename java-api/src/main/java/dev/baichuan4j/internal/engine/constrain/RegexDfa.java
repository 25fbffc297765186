package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.InvalidRequestException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The automaton of a {@link Regex}: its states are the derivatives, found as they are reached.
 * Bytes that no part of the expression tells apart are a class, and have one transition.
 */
final class RegexDfa extends Dfa {
  /** Most bytes that the transitions of an automaton may take. */
  private static final long MAX_TABLE_BYTES = 32L << 20;

  /** Most states that are looked at to find out whether any text is left. */
  private static final int MAX_SEARCH = 20_000;

  /** Most parts of expressions that are looked at for that: some seconds. */
  private static final long MAX_WORK = 10_000_000;

  private static final int UNKNOWN = -2;
  private static final VarHandle CELLS = MethodHandles.arrayElementVarHandle(int[].class);

  private final long maxBytes;
  private final byte[] classes = new byte[256]; // of a byte
  private final int classCount;
  private final int[] samples; // a byte of each class
  private final int start;

  // A cell of a row is written last, so that a reader who finds a state there finds its row too.
  private volatile int[][] rows = new int[16][]; // by state, then class
  private volatile boolean[] accepting = new boolean[16];
  private volatile boolean[] continues = new boolean[16];

  private final Map<Regex, Integer> numbers = new HashMap<>(); // of derivatives; guarded by this
  private final List<Regex> derivatives = new ArrayList<>();
  private final Map<Regex, Boolean> live = new HashMap<>(); // of those that are not plain

  RegexDfa(Regex regex) {
    this(regex, MAX_TABLE_BYTES);
  }

  /**
   * @param maxBytes most bytes that the transitions may take
   */
  RegexDfa(Regex regex, long maxBytes) {
    this.maxBytes = maxBytes;
    classCount = classify(regex);
    samples = new int[classCount];
    for (int b = 255; b >= 0; b--) {
      samples[classes[b] & 0xFF] = b;
    }
    synchronized (this) {
      start = isLive(regex) ? number(regex) : DEAD;
    }
  }

  /** Parts the bytes by what the sets of strings in an expression do with them. */
  private int classify(Regex regex) {
    Set<Regex> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Set<Dawg> nodes = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Regex> expressions = new ArrayDeque<>(List.of(regex));
    int count = 1;
    while (!expressions.isEmpty()) {
      Regex next = expressions.pop();
      if (seen.add(next)) {
        expressions.addAll(Arrays.asList(next.parts()));
        if (next.strings() != null) {
          count = classify(next.strings(), nodes, count);
        }
      }
    }
    return count;
  }

  private int classify(Dawg root, Set<Dawg> seen, int count) {
    Deque<Dawg> nodes = new ArrayDeque<>(List.of(root));
    int[] targets = new int[256];
    int classCount = count;
    while (!nodes.isEmpty() && classCount < 256) {
      Dawg node = nodes.pop();
      if (!seen.add(node)) {
        continue;
      }
      Map<Dawg, Integer> order = new IdentityHashMap<>();
      Arrays.fill(targets, 0);
      for (int i = 0; i < node.children().length; i++) {
        int target = order.computeIfAbsent(node.children()[i], n -> order.size() + 1);
        Arrays.fill(targets, node.from(i), node.to(i) + 1, target);
        nodes.push(node.children()[i]);
      }
      int[] refined = new int[classCount * (order.size() + 1)]; // by class and target; 0 is none
      int refinedCount = 0;
      for (int b = 0; b < 256; b++) {
        int pair = (classes[b] & 0xFF) * (order.size() + 1) + targets[b];
        if (refined[pair] == 0) {
          refined[pair] = ++refinedCount;
        }
        classes[b] = (byte) (refined[pair] - 1);
      }
      classCount = refinedCount;
    }
    return classCount;
  }

  @Override
  public int start() {
    return start;
  }

  @Override
  public int next(int state, int b) {
    int byteClass = classes[b] & 0xFF;
    int next = (int) CELLS.getAcquire(rows[state], byteClass);
    return next != UNKNOWN ? next : find(state, byteClass);
  }

  @Override
  public boolean accepting(int state) {
    return accepting[state];
  }

  @Override
  public boolean alike(int a, int b) {
    return classes[a] == classes[b];
  }

  @Override
  public boolean continues(int state) {
    return continues[state];
  }

  @Override
  synchronized int knownReach(int state) {
    return derivatives.get(state).reach();
  }

  private synchronized int find(int state, int byteClass) {
    Regex next = derivatives.get(state).derivative(samples[byteClass]);
    int number = isLive(next) ? number(next) : DEAD;
    CELLS.setRelease(rows[state], byteClass, number);
    return number;
  }

  private int number(Regex regex) {
    Integer known = numbers.get(regex);
    if (known != null) {
      return known;
    }
    int number = derivatives.size();
    requireRoom(number);
    if (number == rows.length) {
      accepting = Arrays.copyOf(accepting, 2 * number);
      continues = Arrays.copyOf(continues, 2 * number);
      rows = Arrays.copyOf(rows, 2 * number);
    }
    int[] row = new int[classCount];
    Arrays.fill(row, UNKNOWN);
    accepting[number] = regex.nullable();
    continues[number] = regex != Regex.EMPTY;
    rows[number] = row;
    derivatives.add(regex);
    numbers.put(regex, number);
    return number;
  }

  private void requireRoom(int states) {
    if ((states + 1) * (4L * classCount + 200) > maxBytes) {
      throw tooManyStates(states);
    }
  }

  private static InvalidRequestException tooManyStates(int states) {
    return new InvalidRequestException(
        "constraint",
        "constraint has a regular expression that needs more than "
            + states
            + " states, expected fewer; simplify it, or bound its repetitions");
  }

  private static int size(Regex regex) {
    int size = 1;
    for (Regex part : regex.parts()) {
      size += size(part);
    }
    return size;
  }

  /** Whether any text is left: a search for one where intersections may exclude all. */
  private boolean isLive(Regex regex) {
    if (regex == Regex.NOTHING || regex.hasText()) {
      return regex != Regex.NOTHING;
    }
    Boolean known = live.get(regex);
    if (known != null) {
      return known;
    }
    Map<Regex, Regex> cameFrom = new HashMap<>();
    Deque<Regex> open = new ArrayDeque<>();
    Set<Regex> reached = new HashSet<>();
    open.add(regex);
    reached.add(regex);
    long work = 0;
    while (!open.isEmpty()) {
      Regex from = open.removeLast(); // deep first: most languages have a text everywhere
      work += (long) size(from) * classCount;
      if (work > MAX_WORK) {
        throw tooManyStates(reached.size());
      }
      for (int sample : samples) {
        Regex to = from.derivative(sample);
        if (to.hasText() || live.get(to) == Boolean.TRUE) {
          for (Regex on = from; on != null; on = cameFrom.get(on)) {
            live.put(on, true);
          }
          return true;
        }
        if (to != Regex.NOTHING && live.get(to) == null && reached.add(to)) {
          if (reached.size() > MAX_SEARCH) {
            throw tooManyStates(MAX_SEARCH);
          }
          cameFrom.put(to, from);
          open.add(to);
        }
      }
    }
    for (Regex each : reached) {
      live.put(each, false);
    }
    return false;
  }
}
