package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.ByteMachine;
import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.Lexemes;
import dev.baichuan4j.internal.engine.constrain.Regex;
import dev.baichuan4j.internal.engine.constrain.schema.Level.Branch;
import dev.baichuan4j.internal.engine.constrain.schema.Level.Items;
import dev.baichuan4j.internal.engine.constrain.schema.Level.Members;
import dev.baichuan4j.internal.json.JsonTree;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a JSON text against a schema. Blank space is allowed between tokens, not around the whole
 * text. The levels of nesting are in the heap: depth is bounded by memory, not by the stack.
 */
final class JsonMachine implements ByteMachine {
  private static final int MAX_STATES = 1 << 18;
  private static final int UNKNOWN = -2;
  private static final int START = 0;

  private final Shapes shapes;
  private final Ref root;
  private final Map<Level, Level> levels = new HashMap<>();
  private final Map<Capture, Capture> captures = new HashMap<>();
  private final Map<Place, Integer> numbers = new HashMap<>();
  private boolean unique; // whether an array whose items differ has been reached
  private Place[] places = new Place[64];
  private int[][] rows = new int[64][];
  private final boolean empty;

  JsonMachine(Shapes shapes, Ref root) {
    this.shapes = shapes;
    this.root = root;
    this.empty = !shapes.inhabited(root);
    number(new Place(Place.VALUE, null, null, null));
  }

  @Override
  public int start() {
    return empty ? DEAD : START;
  }

  @Override
  public boolean accepting(int state) {
    Place place = places[state];
    return place.kind() == Place.END
        || place.kind() == Place.SCALAR && place.level() == null && place.scalars().anyAccepts();
  }

  @Override
  public Lexemes lexemes(int state) {
    return places[state].lexemes();
  }

  @Override
  public int next(int state, int b) {
    int[] row = rows[state];
    if (row == null) {
      row = new int[256];
      Arrays.fill(row, UNKNOWN);
      rows[state] = row;
    }
    if (row[b] == UNKNOWN) {
      Place next = next(places[state], b);
      row[b] = next == null ? DEAD : number(next);
    }
    return row[b];
  }

  @Override
  public int states() {
    return numbers.size();
  }

  private int number(Place place) {
    Integer known = numbers.get(place);
    if (known != null) {
      return known;
    }
    int number = numbers.size();
    if (number == MAX_STATES) {
      throw new InvalidRequestException(
          "schema",
          "schema needs more than " + MAX_STATES + " states for this text, expected fewer");
    }
    if (number == places.length) {
      places = Arrays.copyOf(places, 2 * number);
      rows = Arrays.copyOf(rows, 2 * number);
    }
    places[number] = place;
    numbers.put(place, number);
    return number;
  }

  private Place next(Place at, int b) {
    if (at.kind() == Place.SCALAR) {
      return scalar(at, b);
    }
    return captured(read(at, b), at, b);
  }

  private Place captured(Place next, Place at, int b) {
    return next == null || !unique ? next : captured(next, append(at.capture(), b));
  }

  private static Place captured(Place place, Capture text) {
    boolean captures = place.level() != null && place.level().captures();
    return place.with(captures ? text : null);
  }

  private Capture append(Capture text, int b) {
    Capture before = text == null ? Capture.EMPTY : text;
    Capture longer = new Capture(before, b, before.length() + 1);
    Capture known = captures.putIfAbsent(longer, longer);
    return known == null ? longer : known;
  }

  private Place read(Place at, int b) {
    boolean blank = b == ' ' || b == '\n' || b == '\t' || b == '\r';
    return switch (at.kind()) {
      case Place.VALUE -> blank ? (at.level() == null ? null : at) : value(at, at.level(), b);
      case Place.OPEN_OBJECT -> blank ? at : b == '}' ? close(at, b) : b == '"' ? names(at) : null;
      case Place.NEXT_NAME -> blank ? at : b == '"' ? names(at) : null;
      case Place.NAME -> name(at, b);
      case Place.COLON ->
          blank ? at : b == ':' ? new Place(Place.VALUE, at.level(), null, null) : null;
      case Place.AFTER_MEMBER -> blank ? at : b == '}' ? close(at, b) : b == ',' ? comma(at) : null;
      case Place.OPEN_ARRAY -> blank ? at : b == ']' ? close(at, b) : item(at, b);
      case Place.AFTER_ITEM -> blank ? at : b == ']' ? close(at, b) : b == ',' ? comma(at) : null;
      default -> null;
    };
  }

  /** What is asked of the value that a level waits for. */
  private Ref[] awaited(Level level) {
    return level == null ? new Ref[] {root} : level.pending();
  }

  private Place value(Place at, Level level, int b) {
    if (b == '{' || b == '[') {
      return open(level, b == '{');
    }
    Place.Scalars scalars = Place.Scalars.NONE;
    for (Ref ref : distinct(awaited(level))) {
      Dfa automaton = automaton(ref, b);
      if (automaton != null) {
        int start = automaton.start();
        int state = start == Dfa.DEAD || b == '"' ? start : automaton.next(start, b);
        if (state != Dfa.DEAD) {
          scalars = scalars.with(ref, automaton, state);
        }
      }
    }
    return scalars.size() == 0 ? null : place(at, level, scalars, b);
  }

  private Dfa automaton(Ref ref, int b) {
    Shape shape = shapes.shape(ref);
    return switch (b) {
      case '"' -> shape.strings() == Regex.NOTHING ? null : shapes.strings(shape.strings());
      case 't', 'f', 'n' -> shape.literals() == 0 ? null : Automata.literals(shape.literals());
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' ->
          shape.numbers().isEmpty() ? null : shapes.numbers(shape.numbers());
      default -> null;
    };
  }

  private static Set<Ref> distinct(Ref[] refs) {
    return refs.length == 1 ? Set.of(refs[0]) : new LinkedHashSet<>(Arrays.asList(refs));
  }

  /** Goes on with scalars, or with what follows them if they can only end here. */
  private Place place(Place at, Level level, Place.Scalars scalars, int b) {
    if (scalars.mayContinue()) {
      return new Place(Place.SCALAR, level, null, scalars);
    }
    return complete(level, scalars.accepted(), unique ? append(at.capture(), b) : null);
  }

  private Place scalar(Place at, int b) {
    Place.Scalars next = at.scalars().next(b);
    if (next.size() > 0) {
      return captured(place(at, at.level(), next, b), at, b);
    }
    Set<Ref> accepted = at.scalars().accepted();
    if (accepted.isEmpty() || at.level() == null) {
      return null;
    }
    Place after = complete(at.level(), accepted, at.capture());
    return after == null ? null : next(unique ? captured(after, at.capture()) : after, b);
  }

  /** Goes on behind a value that is what some wait for. */
  private Place complete(Level level, Set<Ref> values, Capture text) {
    if (level == null) {
      return new Place(Place.END, null, null, null);
    }
    List<Branch> branches = new ArrayList<>(level.branches().length);
    for (int i = 0; i < level.branches().length; i++) {
      if (values.contains(level.pending()[i])) {
        Branch branch = level.branches()[i];
        if (branch instanceof Items items && items.spec().unique()) {
          branch = differing(items, text.from(level.from()));
        }
        if (branch != null && !branches.contains(branch)) {
          branches.add(branch);
        }
      }
    }
    if (branches.isEmpty()) {
      return null;
    }
    int kind = branches.get(0) instanceof Members ? Place.AFTER_MEMBER : Place.AFTER_ITEM;
    return new Place(kind, level.around(), branches.toArray(Branch[]::new), null);
  }

  /** Excludes a value that has come; null if it cannot be compared with others. */
  private Items differing(Items items, byte[] text) {
    Object value;
    try {
      value = JsonTree.parse(new String(text, StandardCharsets.UTF_8), "item");
    } catch (InvalidRequestException e) {
      return null; // An exponent of more than nine digits.
    }
    if (value instanceof BigDecimal number && !Numbers.isBounded(number)) {
      return null;
    }
    Ref different = shapes.notConstant(value);
    return items.differentFrom(shapes.and(items.different(), different));
  }

  private Place open(Level level, boolean object) {
    List<Branch> branches = new ArrayList<>();
    for (Ref ref : distinct(awaited(level))) {
      Shape shape = shapes.shape(ref);
      if (object) {
        for (ObjectSpec spec : shape.objects()) {
          if (shapes.inhabitants().any(spec)) {
            ObjectNames names = shapes.inhabitants().names(spec);
            branches.add(new Members(ref, names, new BitSet(), 0, 0));
          }
        }
      } else {
        for (ArraySpec spec : shape.arrays()) {
          if (shapes.inhabitants().any(spec)) {
            int limit = shapes.inhabitants().limit(spec);
            branches.add(new Items(ref, spec, limit, 0, 0, Ref.TRUE));
            unique |= spec.unique();
          }
        }
      }
    }
    int kind = object ? Place.OPEN_OBJECT : Place.OPEN_ARRAY;
    return branches.isEmpty()
        ? null
        : new Place(kind, level, branches.toArray(Branch[]::new), null);
  }

  private Place close(Place at, int b) {
    Set<Ref> values = new LinkedHashSet<>();
    for (Branch branch : at.branches()) {
      boolean may =
          branch instanceof Members members ? members.mayClose() : ((Items) branch).mayClose();
      if (may) {
        values.add(branch.stands());
      }
    }
    Capture text = unique ? append(at.capture(), b) : null;
    return values.isEmpty() ? null : complete(at.level(), values, text);
  }

  private Place comma(Place at) {
    if (at.branches()[0] instanceof Items) {
      return items(at, 1);
    }
    Branch[] branches =
        Arrays.stream(at.branches()).filter(b -> ((Members) b).mayAddAny()).toArray(Branch[]::new);
    return branches.length == 0 ? null : new Place(Place.NEXT_NAME, at.level(), branches, null);
  }

  private Place item(Place at, int b) {
    Place first = items(at, 0);
    return first == null ? null : value(at, first.level(), b);
  }

  /** Waits for another item, which begins a number of bytes from here. */
  private Place items(Place at, int distance) {
    List<Branch> branches = new ArrayList<>(at.branches().length);
    List<Ref> pending = new ArrayList<>(at.branches().length);
    int from = -1;
    for (Branch branch : at.branches()) {
      Items items = (Items) branch;
      if (items.spec().unique()) {
        from = (at.capture() == null ? 0 : at.capture().length()) + distance;
      }
      if (items.mayAdd()) {
        addItem(items, branches, pending);
      }
    }
    return waiting(Place.VALUE, at.level(), branches, pending, from);
  }

  private void addItem(Items items, List<Branch> branches, List<Ref> pending) {
    ArraySpec spec = items.spec();
    Ref value = shapes.and(spec.item(items.index()), items.different());
    List<ArraySpec.Contained> contains = spec.contains();
    for (int bits = 0; bits < 1 << contains.size(); bits++) {
      Ref all = value;
      boolean possible = (bits & items.contained()) == 0;
      for (int i = 0; i < contains.size() && possible; i++) {
        ArraySpec.Contained contained = contains.get(i);
        if ((bits >> i & 1) != 0) {
          possible = items.index() >= contained.from();
          all = shapes.and(all, contained.item());
        } else if ((items.contained() >> i & 1) == 0) {
          possible =
              shapes.inhabitants().canContain(spec, contained, items.index() + 1, items.limit());
        }
      }
      if (possible && shapes.inhabited(all)) {
        branches.add(items.with(bits));
        pending.add(all);
      }
    }
  }

  private Place waiting(
      int kind, Level around, List<Branch> branches, List<Ref> pending, int from) {
    if (branches.isEmpty()) {
      return null;
    }
    Level level =
        new Level(branches.toArray(Branch[]::new), pending.toArray(Ref[]::new), around, from);
    Level known = levels.putIfAbsent(level, level);
    return new Place(kind, known == null ? level : known, null, null);
  }

  private Place names(Place at) {
    List<Branch> branches = new ArrayList<>();
    for (Branch branch : at.branches()) {
      if (((Members) branch).mayAddAny()) {
        branches.add(branch);
      }
    }
    if (branches.isEmpty()) {
      return null;
    }
    int[] positions = new int[branches.size()];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = ((Members) branches.get(i)).names().start();
    }
    int body = Automata.BODY.start();
    Place.Name name = new Place.Name(positions, Escapes.NONE, body);
    return new Place(Place.NAME, at.level(), branches.toArray(Branch[]::new), name);
  }

  private Place name(Place at, int b) {
    Place.Name name = at.name();
    if (b == '"' && name.escape() == Escapes.NONE) {
      return endName(at, name);
    }
    Branch[] branches = new Branch[at.branches().length];
    int[] positions = new int[branches.length];
    int count = 0;
    int escape = Escapes.NONE;
    for (int i = 0; i < branches.length; i++) {
      Members members = (Members) at.branches()[i];
      long next =
          Escapes.next(
              (position, unit) ->
                  members.names().step(position, unit, members.seen(), members.count()),
              name.positions()[i],
              name.escape(),
              b);
      if (next != Escapes.DEAD) {
        branches[count] = members;
        positions[count++] = Escapes.state(next);
        escape = Escapes.place(next);
      }
    }
    if (count == 0) {
      return null;
    }
    int body = Automata.BODY.next(name.body(), b);
    Place.Name next = new Place.Name(Arrays.copyOf(positions, count), escape, body);
    return new Place(Place.NAME, at.level(), Arrays.copyOf(branches, count), next);
  }

  private Place endName(Place at, Place.Name name) {
    List<Branch> branches = new ArrayList<>();
    List<Ref> pending = new ArrayList<>();
    for (int i = 0; i < at.branches().length; i++) {
      Members members = (Members) at.branches()[i];
      int position = name.positions()[i];
      int listed = members.names().listed(position);
      if (listed >= 0) {
        if (members.names().mayAdd(listed, members.seen(), members.count())) {
          int bits = members.names().presents(listed);
          addMember(members, listed, members.names().value(listed), bits, branches, pending);
        }
      } else if (members.names().mayAddOther(members.seen(), members.count())) {
        ObjectNames.Others other = members.names().other(position);
        if (other != null) {
          addMember(members, -1, other.value(), other.present(), branches, pending);
        }
      }
    }
    return waiting(Place.COLON, at.level(), branches, pending, -1);
  }

  private void addMember(
      Members members, int name, Ref value, int present, List<Branch> branches, List<Ref> pending) {
    int open = present & ~members.satisfied();
    for (int bits = open; ; bits = bits - 1 & open) {
      Ref all = value;
      for (int i = 0; bits >> i != 0; i++) {
        if ((bits >> i & 1) != 0) {
          all = shapes.and(all, members.names().spec().present().get(i).value());
        }
      }
      Members with = members.with(name, bits);
      if (members.names().canPresent(with.satisfied(), with.seen()) && shapes.inhabited(all)) {
        branches.add(with);
        pending.add(all);
      }
      if (bits == 0) {
        return;
      }
    }
  }
}
