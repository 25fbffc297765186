package dev.baichuan4j.internal.evaluate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where the questions of a task are. */
final class Places {
  private final Map<String, Subject> subjects = new LinkedHashMap<>();

  Places(List<Subject> subjects) {
    subjects.forEach(subject -> this.subjects.put(subject.name(), subject));
  }

  List<Place> places() {
    List<Place> places = new ArrayList<>();
    for (Subject subject : subjects.values()) {
      for (int i = 0; i < subject.questions().size(); i++) {
        places.add(new Place(subject.name(), i));
      }
    }
    return places;
  }

  Subject subject(Place place) {
    return subjects.get(place.subject());
  }

  Question question(Place place) {
    return subject(place).questions().get(place.item());
  }
}
