package dev.baichuan4j.internal.evaluate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model has reached in a task.
 *
 * @param subjects in the order of the task
 * @param all of all subjects together
 * @param mean of the subjects' values, each of which counts as much
 */
public record Figures(List<Figure> subjects, Figure all, double mean) {
  /**
   * Counts the outcomes of a run.
   *
   * @param outcomes at least one
   */
  public static Figures of(Task task, Map<Place, Outcome> outcomes) {
    Map<String, List<Outcome>> bySubject = new LinkedHashMap<>();
    task.subjectNames().forEach(name -> bySubject.put(name, new ArrayList<>()));
    outcomes.forEach((place, outcome) -> bySubject.get(place.subject()).add(outcome));
    List<Figure> subjects =
        bySubject.entrySet().stream()
            .filter(subject -> !subject.getValue().isEmpty())
            .map(subject -> Figure.of(subject.getKey(), task.kind(), subject.getValue()))
            .toList();
    return new Figures(
        subjects,
        Figure.of("all", task.kind(), outcomes.values()),
        subjects.stream().mapToDouble(Figure::value).average().orElseThrow());
  }
}
