package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds out which plain texts a lexeme reads whatever they are: those of up to some number of
 * characters of some {@link CharacterGroups}. Tokens of that kind need not be read one by one. For
 * one thread at a time.
 */
final class PlainReach {
  private static final int MOST_CHARACTERS = 32; // hardly any token is longer
  private static final int MOST_STATES = 64; // that are looked at; then the search gives up
  private static final int MOST_KNOWN = 1 << 14;

  /** Where the characters of each group lead from a state; null where one of them is not read. */
  private record Step(int groups, int[][] targets) {}

  private record Place(Dfa automaton, int state) {}

  private final Map<Place, Step> known = new HashMap<>();
  private int[] found = new int[16];
  private int foundCount;

  /** Returns the {@link Reach} of one of some lexemes, that with the most groups. */
  int of(Lexemes lexemes) {
    int most = Reach.NONE;
    for (int i = 0; i < lexemes.size(); i++) {
      int reach = of(lexemes.automaton(i), lexemes.state(i));
      boolean more = Integer.bitCount(Reach.groups(reach)) > Integer.bitCount(Reach.groups(most));
      most = more ? reach : most;
    }
    return most;
  }

  /** Returns the {@link Reach} of a state. */
  int of(Dfa automaton, int state) {
    int sure = automaton.knownReach(state);
    if (Reach.characters(sure) >= MOST_CHARACTERS) {
      return sure;
    }
    if (known.size() > MOST_KNOWN) {
      known.clear();
    }
    int[] all = {state}; // that are reached, those of the fewest characters first
    Step[] last = {step(automaton, state)}; // of those that are reached with most characters
    int groups = last[0].groups;
    int characters = 0;
    while (groups != 0 && characters < MOST_CHARACTERS && all.length <= MOST_STATES) {
      int lasting = lasting(automaton, last, groups);
      if (lasting == 0) { // whatever comes next is the last
        return Reach.of(groups, characters + 1);
      }
      groups = lasting;
      characters++;
      foundCount = 0;
      for (Step each : last) {
        addTargets(each, groups, all);
      }
      if (foundCount == 0) {
        return Reach.of(groups, Reach.ANY_NUMBER); // they lead to each other
      }
      int[] reached = Arrays.copyOf(found, foundCount);
      int before = all.length;
      all = Arrays.copyOf(all, before + reached.length);
      System.arraycopy(reached, 0, all, before, reached.length);
      last = new Step[reached.length];
      int common = groups;
      for (int i = 0; i < last.length; i++) {
        last[i] = step(automaton, reached[i]);
        common &= last[i].groups;
      }
      if (common == 0) {
        break;
      }
      groups = common;
    }
    return groups == 0 ? Reach.NONE : Reach.of(groups, characters);
  }

  /** Those of some groups after which another of them may come, from each of some states. */
  private int lasting(Dfa automaton, Step[] from, int groups) {
    int lasting = groups;
    for (Step step : from) {
      for (int group = 0; group < CharacterGroups.COUNT; group++) {
        if ((lasting >>> group & 1) != 0) {
          for (int target : step.targets[group]) {
            if ((step(automaton, target).groups & groups) == 0) {
              lasting &= ~(1 << group);
            }
          }
        }
      }
    }
    return lasting;
  }

  private void addTargets(Step step, int groups, int[] all) {
    for (int group = 0; group < CharacterGroups.COUNT; group++) {
      if ((groups >>> group & 1) != 0) {
        for (int target : step.targets[group]) {
          addIfNew(target, all);
        }
      }
    }
  }

  private void addIfNew(int target, int[] all) {
    for (int each : all) {
      if (each == target) {
        return;
      }
    }
    add(target);
  }

  private void add(int target) {
    for (int i = 0; i < foundCount; i++) {
      if (found[i] == target) {
        return;
      }
    }
    if (foundCount == found.length) {
      found = Arrays.copyOf(found, 2 * foundCount);
    }
    found[foundCount++] = target;
  }

  private Step step(Dfa automaton, int state) {
    Place place = new Place(automaton, state);
    Step step = known.get(place);
    if (step == null) {
      int groups = 0;
      int[][] targets = new int[CharacterGroups.COUNT][];
      for (int group = 0; group < targets.length; group++) {
        foundCount = 0;
        if (spread(automaton, state, CharacterGroups.strings(group))) {
          groups |= 1 << group;
          targets[group] = Arrays.copyOf(found, foundCount);
        }
      }
      step = new Step(groups, targets);
      known.put(place, step);
    }
    return step;
  }

  /** Collects the states that some strings lead to; false if one of the strings is not read. */
  private boolean spread(Dfa automaton, int state, Dawg strings) {
    if (strings.accepting()) {
      add(state);
      return true;
    }
    for (int edge = 0; edge < strings.children().length; edge++) {
      int before = Dfa.DEAD;
      for (int b = strings.from(edge); b <= strings.to(edge); b++) {
        if (b > strings.from(edge) && automaton.alike(b - 1, b)) {
          continue;
        }
        int next = automaton.next(state, b);
        if (next == Dfa.DEAD
            || next != before && !spread(automaton, next, strings.children()[edge])) {
          return false;
        }
        before = next;
      }
    }
    return true;
  }
}
