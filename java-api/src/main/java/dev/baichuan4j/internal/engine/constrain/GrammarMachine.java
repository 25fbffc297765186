package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.GrammarNodes.Node;
import dev.baichuan4j.internal.engine.constrain.GrammarNodes.Way;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the texts of a {@link Grammar} byte by byte, all derivations at once.
 *
 * <p>This is Earley's method (1970, "An efficient context-free parsing algorithm") with two
 * changes. The place where a rule began is a state and not a position in the text, and a state is
 * what it holds: so the same situation is the same state wherever it recurs, and what comes of it
 * is computed once. And a rule that ends with another hands over to it the place where it returns
 * to, so that recursion at either end of a rule needs no depth.
 *
 * <p>The prefixes that Earley's method accepts are those of texts of the language if every symbol
 * has a text; symbols without one are left out.
 */
final class GrammarMachine implements ByteMachine {
  /** Most states of a machine, about 2 KB each. */
  private static final int MAX_STATES = 1 << 16;

  /** Most items of all states together: an ambiguous grammar has many in each. */
  private static final int MAX_ITEMS = 1 << 22;

  private static final int NOT_ASKED = -3;

  /** Where a rule returns to when it ends: over the ways of that rule in a state. */
  private static final class Return {
    final State state; // null: the end of the text
    final int rule;
    final int id;
    Item[] next; // once known: what comes after the rule, positions with ways on
    boolean ends; // the text may end then

    Return(State state, int rule, int id) {
      this.state = state;
      this.rule = rule;
      this.id = id;
    }
  }

  /** A position in a rule, or within a terminal before that position. */
  private record Item(Dfa terminal, int terminalState, Node node, Return back, int id) {
    boolean isWithinTerminal() {
      return terminal != null;
    }
  }

  private record ItemKey(int terminal, int terminalState, int node, int back) {}

  private record RuleWay(Node target, Return back) {}

  private static final class State {
    final int id;
    final Item[] kernel; // ascending by id
    final boolean accepting;
    Item[] threads; // once known: all terminals that are being read or may begin
    Map<Integer, List<RuleWay>> ruleWays; // by rule
    Lexemes lexemes;
    int after = UNKNOWN; // the state behind its lexeme
    int only = NOT_ASKED; // byte that may follow
    int[] next; // by byte

    State(int id, Item[] kernel, boolean accepting) {
      this.id = id;
      this.kernel = kernel;
      this.accepting = accepting;
    }
  }

  /** The identity of a state. */
  private record Kernel(int[] items, boolean accepting) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Kernel kernel
          && accepting == kernel.accepting
          && Arrays.equals(items, kernel.items);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(items) + Boolean.hashCode(accepting);
    }
  }

  private final GrammarNodes nodes;
  private final Map<ItemKey, Item> items = new HashMap<>();
  private final Map<Long, Return> returns = new HashMap<>();
  private final Map<Kernel, Integer> numbers = new HashMap<>();
  private final List<State> states = new ArrayList<>();
  private final Return end = new Return(null, -1, 0);
  private final int maxItems;
  private int kernelItems;
  private final int start;

  GrammarMachine(Grammar grammar) {
    this(grammar, MAX_ITEMS);
  }

  /**
   * @param maxItems most items of all states together
   */
  GrammarMachine(Grammar grammar, int maxItems) {
    this.maxItems = maxItems;
    nodes = new GrammarNodes(grammar);
    if (!grammar.hasText(new Grammar.Rule(grammar.start()))) {
      start = DEAD;
    } else {
      Gathering first = new Gathering();
      first.add(nodes.start(grammar.start()), end);
      start = first.state();
    }
  }

  @Override
  public int start() {
    return start;
  }

  @Override
  public boolean accepting(int state) {
    return states.get(state).accepting;
  }

  @Override
  public int next(int state, int b) {
    State from = states.get(state);
    if (from.next == null) {
      complete(from);
    }
    int next = from.next[b];
    if (next == UNKNOWN) {
      next = step(from, b);
      from.next[b] = next;
    }
    return next;
  }

  @Override
  public Lexemes lexemes(int state) {
    State at = states.get(state);
    if (at.lexemes == null) {
      complete(at);
      Dfa[] automata = new Dfa[at.threads.length];
      int[] places = new int[at.threads.length];
      for (int i = 0; i < automata.length; i++) {
        automata[i] = at.threads[i].terminal;
        places[i] = at.threads[i].terminalState;
      }
      at.lexemes = Lexemes.of(automata, places, automata.length);
    }
    return at.lexemes;
  }

  @Override
  public int afterLexeme(int state) {
    State at = states.get(state);
    if (at.after == UNKNOWN) {
      complete(at);
      Gathering after = new Gathering();
      for (Item thread : at.threads) {
        after.add(thread.node, thread.back);
      }
      at.after = after.state();
    }
    return at.after;
  }

  @Override
  public int onlyByte(int state) {
    State at = states.get(state);
    if (at.only == NOT_ASKED) {
      complete(at);
      at.only = onlyByte(at);
    }
    return at.only;
  }

  private static int onlyByte(State at) {
    int only = NO_BYTE;
    for (Item thread : at.threads) {
      int next = thread.terminal.onlyByte(thread.terminalState);
      if (next == SEVERAL_BYTES || only != NO_BYTE && next != NO_BYTE && next != only) {
        return SEVERAL_BYTES;
      }
      only = next == NO_BYTE ? only : next;
    }
    return only;
  }

  @Override
  public int states() {
    return states.size();
  }

  private int step(State from, int b) {
    Gathering after = new Gathering();
    for (Item thread : from.threads) {
      int next = thread.terminal.next(thread.terminalState, b);
      if (next != Dfa.DEAD) {
        if (thread.terminal.continues(next)) {
          after.add(item(thread.terminal, next, thread.node, thread.back));
        }
        if (thread.terminal.accepting(next)) {
          after.add(thread.node, thread.back);
        }
      }
    }
    return after.state();
  }

  /** Collects the kernel of a state. */
  private final class Gathering {
    private final Map<Integer, Item> found = new HashMap<>(8);
    private boolean ends;

    private void add(Item item) {
      found.put(item.id, item);
    }

    /** Adds a position, and what comes after its rule where it may end. */
    private void add(Node node, Return back) {
      nodes.complete(node);
      if (node.ways.length > 0) {
        add(item(null, 0, node, back));
      }
      if (node.accepting) {
        resume(back);
        for (Item item : back.next) {
          add(item);
        }
        ends |= back.ends;
      }
    }

    private int state() {
      if (found.isEmpty() && !ends) {
        return DEAD;
      }
      int[] ids = new int[found.size()];
      int count = 0;
      for (int id : found.keySet()) {
        ids[count++] = id;
      }
      Arrays.sort(ids);
      Kernel key = new Kernel(ids, ends);
      Integer known = numbers.get(key);
      if (known != null) {
        return known;
      }
      kernelItems += ids.length;
      if (states.size() == MAX_STATES || kernelItems > maxItems) {
        throw new InvalidRequestException(
            "constraint",
            "constraint has %d states and %d items, expected at most %d and %d; it is too ambiguous"
                    .formatted(states.size(), kernelItems, MAX_STATES, maxItems)
                + " or nests too deep");
      }
      Item[] kernel = new Item[ids.length];
      for (int i = 0; i < kernel.length; i++) {
        kernel[i] = found.get(ids[i]);
      }
      State state = new State(states.size(), kernel, ends);
      states.add(state);
      numbers.put(key, state.id);
      return state.id;
    }
  }

  /** Finds what comes after a rule, through all rules that end there too. */
  private void resume(Return back) {
    if (back.next != null) {
      return;
    }
    Map<Integer, Return> reached = new LinkedHashMap<>();
    List<Return> open = new ArrayList<>(List.of(back));
    reached.put(back.id, back);
    Map<Integer, Item> found = new LinkedHashMap<>();
    boolean ends = false;
    while (!open.isEmpty()) {
      Return at = open.remove(open.size() - 1);
      if (at.state == null) {
        ends = true;
      } else if (at.next != null) {
        ends |= at.ends;
        for (Item item : at.next) {
          found.put(item.id, item);
        }
      } else {
        complete(at.state);
        for (RuleWay way : at.state.ruleWays.getOrDefault(at.rule, List.of())) {
          nodes.complete(way.target);
          if (way.target.ways.length > 0) {
            Item item = item(null, 0, way.target, way.back);
            found.put(item.id, item);
          }
          if (way.target.accepting && reached.putIfAbsent(way.back.id, way.back) == null) {
            open.add(way.back);
          }
        }
      }
    }
    back.next = found.values().toArray(Item[]::new);
    back.ends = ends;
  }

  /** Finds out which terminals may begin in a state, and which rules do. */
  private void complete(State state) {
    if (state.next != null) {
      return;
    }
    state.ruleWays = new HashMap<>();
    Map<Integer, Item> reached = new LinkedHashMap<>();
    List<Item> open = new ArrayList<>();
    List<Item> threads = new ArrayList<>();
    for (Item item : state.kernel) {
      reached.put(item.id, item);
      open.add(item);
    }
    while (!open.isEmpty()) {
      Item item = open.remove(open.size() - 1);
      if (item.isWithinTerminal()) {
        threads.add(item);
        continue;
      }
      for (Way way : item.node.ways) {
        Item begun;
        if (way.terminal() != null) {
          begun = item(way.terminal(), way.terminal().start(), way.target(), item.back);
        } else {
          boolean last = nodes.complete(way.target()).isEnd();
          Return back = last ? item.back : returnTo(state, way.rule());
          if (!last) {
            state
                .ruleWays
                .computeIfAbsent(way.rule(), r -> new ArrayList<>())
                .add(new RuleWay(way.target(), item.back));
          }
          begun = item(null, 0, nodes.complete(nodes.start(way.rule())), back);
        }
        if (reached.putIfAbsent(begun.id, begun) == null) {
          open.add(begun);
        }
      }
    }
    state.threads = threads.toArray(Item[]::new);
    int[] next = new int[256];
    Arrays.fill(next, UNKNOWN);
    state.next = next;
  }

  private Return returnTo(State state, int rule) {
    return returns.computeIfAbsent(
        (long) state.id << 32 | rule, key -> new Return(state, rule, returns.size() + 1));
  }

  private Item item(Dfa terminal, int terminalState, Node node, Return back) {
    ItemKey key =
        new ItemKey(terminal == null ? 0 : terminal.id(), terminalState, node.id, back.id);
    Item item = items.get(key);
    if (item == null) {
      item = new Item(terminal, terminalState, node, back, items.size());
      items.put(key, item);
    }
    return item;
  }
}
