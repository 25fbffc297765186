package dev.baichuan4j.internal.engine;

import jdk.jfr.FlightRecorder;

/**
 * Begins events where somebody records. Elsewhere nothing is allocated, and not even the classes of
 * the events are loaded, with which the JDK would load a hundred of its own.
 */
final class FlightRecording {
  /** Asked whether anybody records an event, once there was a recording. */
  private static final class Probes {
    static final StepEvent STEP = new StepEvent();
    static final RequestEvent REQUEST = new RequestEvent();
  }

  private FlightRecording() {}

  /** A step that begins now; null where nobody records steps. */
  static StepEvent step() {
    if (!FlightRecorder.isInitialized() || !Probes.STEP.isEnabled()) {
      return null;
    }
    StepEvent event = new StepEvent();
    event.begin();
    return event;
  }

  /** A request that is submitted now; null where nobody records requests. */
  static RequestEvent request() {
    if (!FlightRecorder.isInitialized() || !Probes.REQUEST.isEnabled()) {
      return null;
    }
    RequestEvent event = new RequestEvent();
    event.begin();
    return event;
  }
}
